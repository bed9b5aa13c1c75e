#include "rl/population/population.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>
#include <tuple>
#include <utility>

#include "core/base/check.h"
#include "core/base/text.h"
#include "rl/learn/non_finite.h"
#include "rl/log/run_log.h"
#include "rl/train/from_config.h"
#include "rl/train/kept_model.h"

namespace bellman {
namespace {

static_assert(static_cast<std::size_t>(AgentKernel::kEpisodesKept) >= RunLog::kRecentEpisodes);

/// What decides the layout of an agent's memory, and its kernel.
auto kind_of(const TrainConfig& c) {
  return std::tie(c.env.id, c.env.map, c.env.observation, c.env.slippery, c.env.success_rate, c.env.slip,
                  c.env.sutton_barto_reward, c.env.max_episode_steps, c.network, c.dueling, c.num_envs,
                  c.buffer_size, c.n_step, c.batch_size, c.double_dqn, c.target_network, c.prioritized);
}

/// The shape of all of them, with room for the most evaluations that one of them makes.
AgentShape common_shape(std::span<const TrainConfig> configs, const AgentEnvData& env,
                        const Network& network) {
  AgentShape shape = agent_run(configs.front(), env, network).shape;
  for (const TrainConfig& config : configs) {
    const AgentShape own = agent_run(config, env, network).shape;
    shape.eval_lanes = std::max(shape.eval_lanes, own.eval_lanes);
    shape.eval_points = std::max(shape.eval_points, own.eval_points);
  }
  return shape;
}

PopulationPlan plan_of(const AgentKernelOps& ops, const AgentShape& shape, std::size_t runs,
                       Index most_places) {
  PopulationPlan plan = {
      .runs = static_cast<Index>(runs), .bytes = ops.agent_kernel_bytes(shape), .free = ops.free_bytes()};
  const Index usable = plan.free - plan.free / 16;  // the rest is for the driver and this program
  plan.places = std::min({plan.runs, usable / plan.bytes, most_places});
  return plan;
}

/// f(type) with a value of the array's type.
template <class F>
void with_type(AgentArray::Type type, F f) {
  switch (type) {
    case AgentArray::Type::kU8:
      return f(std::uint8_t{});
    case AgentArray::Type::kI32:
      return f(std::int32_t{});
    case AgentArray::Type::kI64:
      return f(std::int64_t{});
    case AgentArray::Type::kF32:
      return f(float{});
    case AgentArray::Type::kF64:
      return f(double{});
  }
}

EvalResult eval_result(const AgentEvaluation& e) {
  return {.mean = e.mean,
          .std = e.std,
          .min = e.min,
          .max = e.max,
          .mean_length = e.mean_length,
          .episodes = static_cast<Index>(e.episodes)};
}

}  // namespace

bool fit_one_population(const TrainConfig& a, const TrainConfig& b) { return kind_of(a) == kind_of(b); }

std::string Population::unsupported_reason(const AgentKernelOps& ops, const TrainConfig& config) {
  const std::string unsupported = agent_run_unsupported_reason(config);
  if (!unsupported.empty()) return unsupported;
  const AgentEnvData env(config.env);
  return ops.agent_kernel_unsupported_reason(agent_run(config, env, q_network(config, env.spec())).shape,
                                             env.view());
}

PopulationPlan Population::plan(const AgentKernelOps& ops, std::span<const TrainConfig> configs,
                                Index most_places) {
  const AgentEnvData env(configs.front().env);
  const Network network = q_network(configs.front(), env.spec());
  return plan_of(ops, common_shape(configs, env, network), configs.size(), most_places);
}

Population::Population(AgentKernelOps& ops, std::vector<TrainConfig> configs, Index most_places)
    : configs_(std::move(configs)),
      env_(configs_.front().env),
      network_(q_network(configs_.front(), env_.spec())),
      runs_(configs_.size()),
      progress_(configs_.size()) {
  for (const TrainConfig& config : configs_) {
    const std::string unsupported = agent_run_unsupported_reason(config);
    if (!unsupported.empty()) fail("no population can train this: ", unsupported);
    if (!fit_one_population(config, configs_.front())) fail("runs of two kinds in one population");
  }
  const AgentShape shape = common_shape(configs_, env_, network_);
  const std::string unsupported = ops.agent_kernel_unsupported_reason(shape, env_.view());
  if (!unsupported.empty()) fail("no population can train this: ", unsupported);
  const PopulationPlan plan = plan_of(ops, shape, configs_.size(), most_places);
  if (plan.places == 0)
    fail("an agent needs ", plan.bytes, " bytes of the device's memory; ", plan.free, " are free");
  agents_ = ops.make_agent_kernel(shape, env_.view(), plan.places);
  run_in_.assign(static_cast<std::size_t>(plan.places), kNone);
  status_.resize(run_in_.size());
}

// ---- training

bool Population::advance() {
  vacate_places();
  fill_places();
  if (std::all_of(run_in_.begin(), run_in_.end(), [](std::size_t run) { return run == kNone; })) return false;
  const Clock::time_point before = Clock::now();
  const Index ticks = ticks_of_launch();
  agents_->advance(ticks);
  agents_->read(status_);
  set_ticks(ticks, std::chrono::duration<double>(Clock::now() - before).count());
  for (std::size_t place = 0; place < run_in_.size(); ++place)
    if (run_in_[place] != kNone) update_record(place, status_[place]);
  return true;
}

/// No run continues beyond its last moment.
Index Population::ticks_of_launch() const {
  Index ticks = ticks_;
  for (std::size_t place = 0; place < run_in_.size(); ++place)
    if (run_in_[place] != kNone)
      if (const std::optional<Moment>& last = progress_[run_in_[place]].last)
        ticks = std::min(ticks, std::max<Index>(1, last->ticks - status_[place].ticks));
  return ticks;
}

/// Aims at half of what a launch may last, so that slower ticks than the last ones stay within it.
void Population::set_ticks(Index ticks, double seconds) {
  constexpr double kWanted = 0.05, kMost = 1 << 20;
  const double factor = std::clamp(kWanted / std::max(seconds, 1e-6), 1.0 / 16, 4.0);
  ticks_ = static_cast<Index>(std::clamp(static_cast<double>(ticks) * factor, 1.0, kMost));
}

/// Not before the next launch: until then a run that has just ended can be saved.
void Population::vacate_places() {
  for (std::size_t place = 0; place < run_in_.size(); ++place) {
    if (run_in_[place] == kNone || runs_[run_in_[place]].state == RunState::kRunning) continue;
    agents_->clear(static_cast<Index>(place));
    run_in_[place] = kNone;
  }
}

void Population::fill_places() {
  for (std::size_t place = 0; place < run_in_.size(); ++place) {
    while (next_ < runs_.size() && runs_[next_].state != RunState::kWaiting) ++next_;
    if (next_ == runs_.size()) return;
    if (run_in_[place] == kNone) start(place, next_);
  }
}

void Population::start(std::size_t place, std::size_t run) {
  const auto at = static_cast<Index>(place);
  Progress& progress = progress_[run];
  agents_->start(at, agent_run(configs_[run], env_, network_).settings,
                 initial_parameters(configs_[run], network_));
  try {
    if (!progress.loaded.empty()) agents_->load(at, progress.loaded);
  } catch (const Error& error) {
    fail(progress.source, ": ", error.what());
  }
  progress.loaded = {};
  status_[place] = {};
  progress.start = Clock::now();
  runs_[run].state = RunState::kRunning;
  run_in_[place] = run;
}

double Population::seconds(std::size_t run) const {
  const Progress& progress = progress_[run];
  return progress.seconds_before + std::chrono::duration<double>(Clock::now() - progress.start).count();
}

void Population::update_record(std::size_t place, const AgentStatus& status) {
  const std::size_t run = run_in_[place];
  RunRecord& record = runs_[run];
  record.timestep = status.timestep;
  const auto known = static_cast<Index>(record.curve.size());
  for (const AgentEvaluation& e :
       agents_->curve(static_cast<Index>(place), known, std::max(known, status.evaluations)))
    record.curve.push_back({static_cast<Index>(e.timestep), e.mean});
  if (status.solved_at_timestep >= 0 && !record.result.solved_at_timestep) {
    record.result.solved_at_timestep = status.solved_at_timestep;
    if (record.result.seconds_to_solve == 0) record.result.seconds_to_solve = seconds(run);
  }
  if (status.phase != AgentStatus::Phase::kRunning) return finish(run, status);
  const std::optional<Moment>& last = progress_[run].last;
  if (last && (status.ticks >= last->ticks || status.timestep > last->timestep))
    record.state = RunState::kCut;
}

void Population::finish(std::size_t run, const AgentStatus& status) {
  RunRecord& record = runs_[run];
  if (status.phase != AgentStatus::Phase::kFinished) {
    record.state = RunState::kFailed;
    record.error = bellman::description(
        reported_step(status.report, status.overflowed,
                      bad_gradient_element(network_.layout(), status.bad_place), configs_[run].batch_size));
    return;
  }
  record.state = RunState::kFinished;
  TrainResult& result = record.result;
  result.timesteps = status.timestep;
  result.gradient_updates = status.gradient_updates;
  result.wall_seconds = seconds(run);
  result.model_timestep = status.model_timestep;
  result.eval = eval_result(status.final_evaluation);
  std::vector<double> returns;
  for (const AgentEpisode& episode : agents_->episodes(place_of(run)))
    returns.push_back(episode.episode_return);
  const RecentMean recent =
      RecentMean::after(RunLog::kRecentEpisodes, static_cast<std::size_t>(status.episodes), returns);
  result.training_mean = recent.mean();
  result.training_episodes = static_cast<Index>(recent.count());
  result.eval_seed = agent_run(configs_[run], env_, network_).settings.final_eval_seed;
}

// ---- state

Index Population::place_of(std::size_t run) const {
  const auto place = std::find(run_in_.begin(), run_in_.end(), run);
  if (place == run_in_.end()) fail("run ", run, " of the population does not train");
  return place - run_in_.begin();
}

Model Population::kept_model(std::size_t run) {
  std::vector<float> parameters(static_cast<std::size_t>(network_.layout().size()));
  agents_->kept_parameters(place_of(run), parameters);
  return bellman::kept_model(configs_[run], network_, parameters, runs_[run].result.model_timestep);
}

void Population::save(std::size_t run, StateWriter& out) {
  std::vector<std::byte> state(agents_->state_bytes());
  agents_->save(place_of(run), state);
  for (const AgentArray& array : agents_->arrays())
    with_type(array.type, [&](auto number) {
      using T = decltype(number);
      out.add(array.name,
              std::span<const T>(reinterpret_cast<const T*>(state.data() + array.begin), array.elements));
    });
  out.add("time.seconds", seconds(run));
  out.add("time.to_solve", runs_[run].result.seconds_to_solve);
}

std::vector<std::byte> Population::state_of(const StateReader& in) const {
  std::vector<std::byte> state(agents_->state_bytes());
  for (const AgentArray& array : agents_->arrays())
    with_type(array.type, [&](auto number) {
      const auto values = in.get<decltype(number)>(array.name, array.elements);
      if (!values.empty())
        std::memcpy(state.data() + array.begin, values.data(), values.size() * sizeof number);
    });
  return state;
}

void Population::load(std::size_t run, const StateReader& in) {
  Progress& progress = progress_.at(run);
  progress.seconds_before = in.seconds("time.seconds");
  progress.loaded = state_of(in);
  progress.source = in.source();
  runs_[run].result.seconds_to_solve = in.seconds("time.to_solve");
}

void Population::repeat(std::size_t run, const StateReader& in) {
  const std::vector<std::byte> state = state_of(in);
  in.hand_over("control", [&] {
    const AgentStatus there = agents_->status_of(state);
    progress_.at(run).last = {.ticks = there.ticks, .timestep = there.timestep};
  });
}

void Population::leave_out(std::size_t run, const RunRecord& record) { runs_.at(run) = record; }

}  // namespace bellman

#include "apps/run/past_settings.h"

#include <map>
#include <optional>
#include <utility>

#include "apps/base/json_text.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/flat_json.h"

namespace bellman {

std::string history_text(const std::vector<PastSettings>& history) {
  std::string list;
  for (const PastSettings& past : history) {
    std::map<std::string, std::string> entry = {{"config", json_string(past.config)},
                                                {"until", std::to_string(past.until)}};
    if (!past.forked.empty()) entry["run"] = json_string(past.forked);
    list.append(list.empty() ? "" : ",").append(json_object(entry));
  }
  return "[" + list + "]";
}

std::vector<PastSettings> parse_history(const std::string& name, const std::string& text) {
  struct Entry {
    std::optional<std::string> config;
    std::optional<std::int64_t> until;
    std::string run;
  };
  std::vector<Entry> entries;
  const std::size_t count =
      read_json_objects(name, text, [&](std::size_t i, const std::string& key, const JsonValue& value) {
        if (i > entries.size()) fail(name, " has an empty entry");
        entries.resize(i + 1);
        if (key == "config" && value.string() && !entries[i].config)
          entries[i].config = *value.string();
        else if (key == "until" && value.integer() && !entries[i].until)
          entries[i].until = value.integer();
        else if (key == "run" && value.string() && !value.string()->empty() && entries[i].run.empty())
          entries[i].run = *value.string();
        else
          fail(name, ": entry ", i + 1, " has ", value.shown(), " for \"", printable(key),
               "\"; expected one config, a text, one until, a step, and of a fork one run, a text");
      });
  if (count > entries.size()) fail(name, " has an empty entry");
  std::vector<PastSettings> history;
  for (Entry& entry : entries) {
    const std::int64_t before = history.empty() ? 0 : history.back().until;
    if (!entry.config || !entry.until || *entry.until < before)
      fail(name, ": entry ", history.size() + 1, " needs a config, and a step until which it applied, from ",
           before, " on");
    history.push_back({std::move(*entry.config), *entry.until, std::move(entry.run)});
  }
  return history;
}

const PastSettings* fork_in(const std::vector<PastSettings>& history) {
  for (auto past = history.rbegin(); past != history.rend(); ++past)
    if (!past->forked.empty()) return &*past;
  return nullptr;
}

}  // namespace bellman

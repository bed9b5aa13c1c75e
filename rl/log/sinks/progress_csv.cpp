#include "rl/log/sinks/progress_csv.h"

#include <cmath>

#include "core/base/check.h"
#include "core/base/number_text.h"

namespace bellman {

ProgressCsv::ProgressCsv(const std::filesystem::path& path) : file_(path) {
  for (const std::string_view name : kScalarNames) line_.append(line_.empty() ? "" : ",").append(name);
  file_.append(line_ += '\n');
}

void ProgressCsv::on_scalars(Index /*timestep*/, std::span<const Scalar> scalars) {
  BELLMAN_CHECK(scalars.size() == kScalarNames.size());
  line_.clear();
  for (std::size_t i = 0; i < scalars.size(); ++i) {
    BELLMAN_CHECK(scalars[i].name == kScalarNames[i]);
    if (i > 0) line_ += ',';
    if (!std::isnan(scalars[i].value)) line_ += number_text(scalars[i].value);
  }
  file_.append(line_ += '\n');
}

}  // namespace bellman

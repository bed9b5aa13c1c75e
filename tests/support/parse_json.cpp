#include "tests/support/parse_json.h"

#include <nlohmann/json.hpp>

namespace bellman::test {

nlohmann::json parse_json(const std::string& text) { return nlohmann::json::parse(text); }

}  // namespace bellman::test

// JSON from its text, the parser compiled once.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace bellman::test {

/// Throws: nlohmann::json::parse_error for a text that is no JSON.
nlohmann::json parse_json(const std::string& text);

}  // namespace bellman::test

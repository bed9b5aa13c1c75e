#include "core/io/flat_json.h"

#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/base/check.h"
#include "tests/support/error_message.h"

namespace bellman::test {
namespace {

std::vector<std::string> elements(const std::string& text) {
  std::vector<std::string> shown;
  read_json_array("T", text, [&](const JsonValue& value) { shown.push_back(value.shown()); });
  return shown;
}

std::string members(const std::string& text) {
  std::string all;
  read_json_object("T", text, [&](const std::string& key, const JsonValue& value) {
    all += key + "=" + value.shown() + ";";
  });
  return all;
}

std::string objects(const std::string& text) {
  std::string all;
  const std::size_t count =
      read_json_objects("T", text, [&](std::size_t object, const std::string& key, const JsonValue& value) {
        all += std::to_string(object) + "." + key + "=" + value.shown() + ";";
      });
  return all + std::to_string(count);
}

TEST_CASE("flat JSON: values one by one") {
  CHECK(elements(R"([null, true, -3, 18446744073709551615, 2.5, "a\nb"])") ==
        std::vector<std::string>{"null", "true", "-3", "18446744073709551615", "2.5", R"("a\nb")"});
  CHECK(elements("[]").empty());
  CHECK(members(R"({"a":1,"":"x","a":2})") == "a=1;=\"x\";a=2;");
  CHECK(members("{}").empty());
  CHECK(objects(R"([{"a":1,"b":2},{},{"a":3}])") == "0.a=1;0.b=2;2.a=3;3");
  CHECK(objects("[]") == "0");
}

TEST_CASE("flat JSON: a NUL byte does not end the text") {
  const auto complaint = [](const std::string& text) {
    return std::vector<std::string>{error_message([&] { elements(text); }),
                                    error_message([&] { members(text); }),
                                    error_message([&] { objects(text); })};
  };
  for (const std::string& whole : {std::string("[]"), std::string("{}"), std::string("[1,2]")})
    for (std::size_t at = 0; at <= whole.size(); ++at) {
      std::string text = whole + "junk";
      text.insert(at, 1, '\0');
      for (const std::string& message : complaint(text))
        CHECK(message == "T: byte " + std::to_string(at + 1) + " is NUL, which no text has");
    }
}

TEST_CASE("flat JSON: what a value is") {
  const auto value = [](const char* text) {
    std::vector<JsonValue> all;
    read_json_array("T", text, [&](const JsonValue& v) { all.push_back(v); });
    REQUIRE(all.size() == 1);
    return all[0];
  };
  CHECK(*value("[\"x\"]").string() == "x");
  CHECK(!value("[1]").string());
  CHECK(*value("[false]").boolean() == false);
  CHECK(!value("[0]").boolean());
  CHECK(value("[9223372036854775807]").integer() == std::numeric_limits<std::int64_t>::max());
  CHECK(value("[-9223372036854775808]").integer() == std::numeric_limits<std::int64_t>::min());
  CHECK(!value("[9223372036854775808]").integer());
  CHECK(!value("[-9223372036854775809]").integer());
  CHECK(!value("[1.0]").integer());
  CHECK(!value("[\"1\"]").integer());
  CHECK(value("[18446744073709551615]").number() == 18446744073709551615.0);
  CHECK(value("[-7]").number() == -7.0);
  CHECK(value("[1e300]").number() == 1e300);
  CHECK(!value("[true]").number());
  CHECK(value(("[\"" + std::string(100, 'x') + "\"]").c_str()).shown().size() < 70);
}

TEST_CASE("flat JSON: other forms, and texts that are none") {
  const auto refused = [](const auto& read, const std::string& text) {
    return error_message([&] { read(text); });
  };
  for (const char* text : {"3", "null", "\"a\"", "{}"}) CHECK(refused(elements, text) == "T is not an array");
  for (const char* text : {"3", "null", "\"a\"", "[]"}) CHECK(refused(members, text) == "T is not an object");
  for (const char* text : {"3", "{}", "[1]", "[[]]", "[{},true]"})
    CHECK(refused(objects, text) == "T is not an array of objects");
  const std::string plain = " where a plain value is expected";
  for (const char* text : {"[[", "[{"})
    CHECK(refused(elements, text) == "T holds an array or an object" + plain);
  for (const char* text : {"{\"a\":[", "{\"a\":{"})
    CHECK(refused(members, text) == "T holds an array or an object for \"a\"" + plain);
  for (const char* text : {"[{\"a\":[", "[{\"a\":{"})
    CHECK(refused(objects, text) == "T holds an array or an object for \"a\"" + plain);
  for (const char* text :
       {"", "[", "[1", "[1,]", "[1 2]", "[1]x", "[\"\xff\"]", "[1e999]", "[nan]", "[\"\n\"]"})
    CHECK(refused(elements, text).starts_with("T is not JSON near byte "));
  for (const char* text : {"", "{", "{\"a\"}", "{\"a\":1", "{a:1}", "{\"a\":1,}"})
    CHECK(refused(members, text).starts_with("T is not JSON near byte "));
}

TEST_CASE("flat JSON: what its reader throws comes through") {
  CHECK(error_message([] { read_json_array("T", "[1,2]", [](const JsonValue&) { fail("enough"); }); }) ==
        "enough");
}

}  // namespace
}  // namespace bellman::test

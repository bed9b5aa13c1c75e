#include "bench/op_text.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/error_message.h"

namespace bellman::bench {
namespace {

std::string refusal(const std::string& text) {
  return test::error_message([&] { read_op(text); });
}

TEST_CASE("an op is read with its size") {
  const OpText dense = read_op("dense_forward 128x120->84");
  CHECK(dense.op == "dense_forward");
  CHECK(dense.family == OpFamily::kDense);
  CHECK(dense.batch == 128);
  CHECK(dense.inputs == 120);
  CHECK(dense.outputs == 84);

  const OpText conv = read_op("conv2d_backward 32x4x84x80->16 8x6 stride 4 padding 2");
  CHECK(conv.family == OpFamily::kConv2d);
  CHECK(conv.image == Shape({4, 84, 80}));
  CHECK(conv.outputs == 16);
  CHECK(conv.window.kernel_h == 8);
  CHECK(conv.window.kernel_w == 6);
  CHECK(conv.window.stride_h == 4);
  CHECK(conv.window.padding_w == 2);
  CHECK(read_op("conv2d_forward 1x1x3x3->1 3x3").window.stride_w == 1);

  const OpText pool = read_op("max_pool2d_forward 2x3x8x8 2x2");
  CHECK(pool.family == OpFamily::kMaxPool2d);
  CHECK(pool.window.stride_h == 2);
  CHECK(read_op("max_pool2d_forward 2x3x8x8 3x3 stride 1").window.stride_w == 1);

  CHECK(read_op("relu_forward 4096").batch == 4096);
  CHECK(read_op("adam_step 1").family == OpFamily::kOptimizer);
  CHECK(read_op("layer_norm_backward 7x9").inputs == 9);
  CHECK(read_op("td_loss 64x2").family == OpFamily::kQLearning);
}

TEST_CASE("an op that is none is refused with those there are") {
  for (const char* const text :
       {"", "dense", "dense_forward128x120->84", "Dense_forward 1x1->1", " relu_forward 1"})
    CHECK(refusal(text).find("--op: there is no op \"") == 0);
  CHECK(refusal("conv 1").find("conv2d_backward_without_dx") != std::string::npos);
}

TEST_CASE("a size of another form is refused with the form") {
  CHECK(refusal("dense_forward 128x120") ==
        "--op dense_forward: its size is \"128x120\", must be like BxI->O");
  for (const char* const text :
       {"dense_forward", "dense_forward ", "dense_forward 1x2->3 ", "dense_forward 1x2->3x4",
        "dense_forward -1x2->3x", "dense_forward 1 x2->3", "relu_forward 1e6", "relu_forward 4x4",
        "layer_norm_forward 64", "conv2d_forward 32x4x84x84->16", "td_loss 64x2x2",
        "conv2d_forward 32x4x84x84->16 8x8 padding 2 stride 4", "max_pool2d_forward 2x3x8x8 2x2 padding 1",
        "dense_forward 99999999999999999999x1->1"}) {
    CAPTURE(text);
    CHECK(refusal(text).find("must be ") != std::string::npos);
  }
}

TEST_CASE("a size that nothing can have is refused") {
  CHECK(refusal("dense_forward 0x2->3") ==
        "--op dense_forward: its size is 0x2->3, must be made of numbers from 1 on");
  CHECK(refusal("conv2d_forward 1x1x3x3->1 5x5 padding 0").find("does not fit images of 3x3") !=
        std::string::npos);
  CHECK(refusal("conv2d_forward 1x1x3x3->1 5x5 padding 1") == "no error");
  for (const char* const text : {"dense_forward 1x65536->65537", "relu_forward 9000000000000000000",
                                 "conv2d_forward 100000x64x100x100->1 3x3"})
    CHECK(refusal(text).find("has arrays of more than 2^31 numbers") != std::string::npos);
}

}  // namespace
}  // namespace bellman::bench

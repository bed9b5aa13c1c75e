#!/usr/bin/env python3
"""Files as the safetensors package writes them, for the tests of core/io.

    scripts/golden/safetensors_file.py tests/data

writes torch_sequential.safetensors (the parameters of a torch.nn.Sequential), torch_sequential_outputs.safetensors (inputs x
and what the network makes of them, y) and every_dtype.safetensors.
"""

import pathlib
import sys

import numpy
import safetensors.numpy
import safetensors.torch
import torch

folder = pathlib.Path(sys.argv[1])

network = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
for tensor_number, parameter in enumerate(network.parameters()):
    k = torch.arange(parameter.numel())
    parameter.data = (((31 * k * k + 17 * k + 397 * tensor_number + 7) % 1021 - 510).float() / 256).reshape(parameter.shape)
x = torch.tensor([[1.0, -2.0, 0.5], [0.25, 3.0, -1.5]])
safetensors.torch.save_file(network.state_dict(), folder / "torch_sequential.safetensors", metadata={"format": "pt"})
safetensors.torch.save_file({"x": x, "y": network(x).detach()}, folder / "torch_sequential_outputs.safetensors")

safetensors.numpy.save_file({
    "f32": numpy.array([[1.5, -2.0, 3.25], [0.0, 1e-40, 3e38]], numpy.float32),
    "f64": numpy.array([0.1, -1e300], numpy.float64),
    "i32": numpy.array([-2147483648, 2147483647], numpy.int32),
    "i64": numpy.array([[-9223372036854775808], [9223372036854775807]], numpy.int64),
    "u8": numpy.array([0, 1, 255], numpy.uint8),
    "u64": numpy.array([18446744073709551615], numpy.uint64),
    "scalar": numpy.array(7.0, numpy.float32),
    "empty": numpy.zeros((0, 3), numpy.float32),
    'name with "quotes" and ü': numpy.array([1.0], numpy.float32),
}, folder / "every_dtype.safetensors", metadata={"purpose": "every type of numbers"})

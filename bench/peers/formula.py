"""Weights and a batch that every language can compute with the same bits: fixed_batch.cpp is bellman's side. numpy alone."""

import math

import numpy as np


def formula(start, count):
    """`count` numbers of the sequence from which weights and batch are made, the `start`-th first: the 2001
    multiples of 1/1000 in [-1, 1], in an order that looks random. Exact in any language: integers, then one
    division in double and one rounding to float."""
    k = np.arange(start, start + count, dtype=np.int64)
    return (((k * 7919 + k * k % 1009 * 31 + 104729) % 2001 - 1000).astype(np.float64) / 1000.0).astype(np.float32)


class FixedBatch:
    """`parameters`: of the shapes in `shapes`, weight (outputs first), bias, weight, ..., each divided by the root of
    its layer's fan-in. Then `batch` transitions: state, action, reward, next_state, terminated."""

    def __init__(self, shapes, observation, batch):
        self._at = 0
        self.parameters = []
        for shape in shapes:
            fan_in = math.prod(shape[1:]) if len(shape) > 1 else fan_in  # a bias follows its weight
            self.parameters.append(self._numbers(*shape) / np.float32(math.sqrt(fan_in)))
        self.state, self.next_state = self._numbers(batch, *observation), self._numbers(batch, *observation)
        n = np.arange(batch)
        self.action = n * 5 % 7 % 2
        self.reward = (n % 3).astype(np.float32)
        self.terminated = (n % 5 == 0).astype(np.float32)

    def _numbers(self, *shape):
        start = self._at
        self._at += math.prod(shape)
        return formula(start, self._at - start).reshape(shape)

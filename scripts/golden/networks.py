#!/usr/bin/env python3
"""Golden values of whole networks: Q-values, the loss and every gradient, as PyTorch computes them in float64.

    scripts/golden/networks.py > tests/data/golden_networks.json

Weights and inputs come from a formula of whole numbers that the test computes too, so that the file holds results
only. Names of parameters are those of torch.nn.Sequential.
"""

import json

import torch
from torch import nn

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

BATCH = 3
HUBER_DELTA = 0.5


def scrambled(tensor_number, shape, scale=1.0):
    """scale times multiples of 1/1024 on (-0.5, 0.5), the k-th of them a quadratic in k modulo a prime."""
    k = torch.arange(torch.Size(shape).numel())
    return (((31 * k * k + 17 * k + 397 * tensor_number + 7) % 1021 - 510).double() / 1024 * scale).reshape(shape)


class Dueling(nn.Module):
    """Wang et al. 2016, eq. 9."""

    def __init__(self, inputs, actions, hidden=0):
        super().__init__()
        self.value, self.advantage = (
            nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
            if hidden else nn.Linear(inputs, outputs) for outputs in (1, actions))

    def forward(self, x):
        advantage = self.advantage(x)
        return self.value(x) + advantage - advantage.mean(dim=1, keepdim=True)


def assert_no_kink(module, inputs, _):
    """Numbers next to a kink would make the expected values depend on the last bit."""
    x = inputs[0]
    if isinstance(module, (nn.ReLU, nn.LeakyReLU)):
        assert x.abs().min() > 1e-3, "a pre-activation near 0"
    if isinstance(module, nn.MaxPool2d):
        k, p = module.kernel_size, module.padding
        x = nn.functional.pad(x, (p[1], p[1], p[0], p[0]), value=-torch.inf)
        windows = x.unfold(2, k[0], module.stride[0]).unfold(3, k[1], module.stride[1]).flatten(4)
        top = windows.topk(2, dim=4).values
        assert (top[..., 0] - top[..., 1]).min() > 1e-3, "two maxima of a window"


def tensor(t):
    t = t.detach()
    return {"shape": list(t.shape) or [1], "data": t.flatten().tolist()}


def case(text, input_shape, module, loss_kind):
    module.apply(lambda m: m.register_forward_hook(assert_no_kink))
    for i, parameter in enumerate(module.parameters()):
        parameter.data = scrambled(i + 1, parameter.shape)
    x = scrambled(0, (BATCH, *input_shape), 4.0).requires_grad_()
    q = module(x)
    action = torch.arange(BATCH) % q.shape[1]
    target = scrambled(100, (BATCH,), 2.0)
    weight = 1.0 + scrambled(101, (BATCH,))
    chosen = q.gather(1, action[:, None])[:, 0]
    if loss_kind == "mse":
        losses = (target - chosen) ** 2
    else:
        losses = nn.functional.huber_loss(chosen, target, reduction="none", delta=HUBER_DELTA)
    loss = (weight * losses).mean()
    q.retain_grad()
    loss.backward()
    return {"text": text, "input_shape": {"shape": [len(input_shape)], "data": list(input_shape)}, "loss_kind": loss_kind,
            "q": tensor(q), "loss": loss.item(), "dq": tensor(q.grad), "dx": tensor(x.grad),
            "gradients": {name: tensor(p.grad) for name, p in module.named_parameters()}}


def main():
    cases = {
        "mlp": case("dense 9, relu, dense 8, relu, dense 3", (4,),
                    nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 8), nn.ReLU(), nn.Linear(8, 3)), "mse"),
        "activations": case("dense 7, leaky_relu 0.1, layer_norm, dense 5, sigmoid, dense 4, tanh, dense 2", (4,),
                            nn.Sequential(nn.Linear(4, 7), nn.LeakyReLU(0.1), nn.LayerNorm(7), nn.Linear(7, 5), nn.Sigmoid(),
                                          nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2)), "huber"),
        "conv": case("conv 3 3x3 stride 2 padding 1, max_pool 2x2 stride 1 padding 1x0, relu, conv 4 2x1, leaky_relu, "
                     "flatten, dense 5, relu, dense 2", (2, 7, 6),
                     nn.Sequential(nn.Conv2d(2, 3, 3, stride=2, padding=1),
                                   nn.MaxPool2d((2, 2), stride=(1, 1), padding=(1, 0)), nn.ReLU(),
                                   nn.Conv2d(3, 4, (2, 1)), nn.LeakyReLU(), nn.Flatten(), nn.Linear(32, 5), nn.ReLU(), nn.Linear(5, 2)), "mse"),
        "dueling": case("dense 9, relu, dueling 3", (4,),
                        nn.Sequential(nn.Linear(4, 9), nn.ReLU(), Dueling(9, 3)), "mse"),
        "dueling_hidden": case("dense 9, relu, dueling 3 hidden 5", (4,),
                               nn.Sequential(nn.Linear(4, 9), nn.ReLU(), Dueling(9, 3, hidden=5)), "huber"),
    }
    print(json.dumps({"made_by": f"scripts/golden/networks.py, PyTorch {torch.__version__}", "batch": BATCH,
                      "huber_delta": HUBER_DELTA, "cases": cases}, separators=(",", ":")))


main()

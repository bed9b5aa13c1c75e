#!/usr/bin/env python3
"""Golden values of every op: what PyTorch computes, in float64, forward and backward.

    scripts/golden/ops.py > tests/data/golden_ops.json

Inputs are multiples of 1/64, so that they are exact and short. dy is a gradient that comes from above: what an op's
backward pass is given. Gradients are autograd's.
"""

import json
import sys

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
generator = torch.Generator().manual_seed(20)


def draw(*shape, grad=True):
    """Multiples of 1/64 of either sign, none of them 0, on (-2.1, 2.1)."""
    sign = 1 - 2 * torch.randint(0, 2, shape, generator=generator)
    return (torch.randint(1, 128, shape, generator=generator) * sign / 64.0).requires_grad_(grad)


def ladder(*shape):
    """All different multiples of 1/64, shuffled: no ties."""
    count = torch.Size(shape).numel()
    return ((torch.randperm(count, generator=generator) - count // 2) / 64.0).reshape(shape).requires_grad_()


def tensor(t):
    t = t.detach()
    data = [int(v) if float(v).is_integer() else float(v) for v in t.flatten().tolist()]
    return {"shape": list(t.shape) or [1], "data": data}


def tensors(**named):
    return {name: tensor(t) if torch.is_tensor(t) else t for name, t in named.items()}


def backward(y, inputs):
    """The golden case of y = f(inputs): inputs, y, dy, and d<name> for each input."""
    dy = draw(*y.shape, grad=False)
    y.backward(dy)
    gradients = {"d" + name: t.grad for name, t in inputs.items()}
    return tensors(**inputs, y=y, dy=dy, **gradients)


def dense(batch, inputs, outputs):
    x, w, b = draw(batch, inputs), draw(outputs, inputs), draw(outputs)
    return backward(F.linear(x, w, b), dict(x=x, w=w, b=b))


def window(kernel, stride, padding):
    return dict(zip(("kernel_h", "kernel_w", "stride_h", "stride_w", "padding_h", "padding_w"),
                    kernel + stride + padding))


def conv2d(image, outputs, kernel, stride=(1, 1), padding=(0, 0)):
    x, w, b = draw(*image), draw(outputs, image[1], *kernel), draw(outputs)
    y = F.conv2d(x, w, b, stride=stride, padding=padding)
    return {"window": window(kernel, stride, padding), **backward(y, dict(x=x, w=w, b=b))}


def max_pool2d(image, kernel, stride, padding=(0, 0)):
    x = ladder(*image)
    y = F.max_pool2d(x, kernel, stride=stride, padding=padding)
    return {"window": window(kernel, stride, padding), **backward(y, dict(x=x))}


def activation(function):
    x = draw(3, 7)
    return backward(function(x), dict(x=x))


def layer_norm(batch, inputs, epsilon):
    x, gamma, beta = draw(batch, inputs), draw(inputs), draw(inputs)
    return {"epsilon": epsilon,
            **backward(F.layer_norm(x, (inputs,), gamma, beta, epsilon), dict(x=x, gamma=gamma, beta=beta))}


def dueling(batch, actions):
    v, a = draw(batch, 1), draw(batch, actions)
    return backward(v + a - a.mean(dim=1, keepdim=True), dict(v=v, a=a))


def td_target(double):
    batch, actions = 6, 4
    q_target, q_online = ladder(batch, actions).detach(), ladder(batch, actions).detach()
    reward, terminated = draw(batch, grad=False), torch.tensor([0.0, 1.0, 0.0, 0.0, 1.0, 0.0])
    discount = 0.99 ** torch.tensor([1.0, 1.0, 3.0, 2.0, 3.0, 1.0])
    best = (q_online if double else q_target).argmax(dim=1, keepdim=True)
    y = reward + discount * (1 - terminated) * q_target.gather(1, best).squeeze(1)
    return tensors(q_target=q_target, q_online=q_online, reward=reward, discount=discount, terminated=terminated,
                   best=best.squeeze(1), y=y)


def td_loss(kind, delta=1.0):
    batch, actions = 6, 3
    q, y = draw(batch, actions), draw(batch, grad=False)
    action = torch.tensor([0, 2, 1, 1, 0, 2])
    weight = torch.tensor([1.0, 0.5, 0.25, 0.75, 0.0, 0.375])
    chosen = q.gather(1, action.unsqueeze(1)).squeeze(1)
    per_sample = (F.mse_loss(chosen, y, reduction="none") if kind == "mse" else
                  F.huber_loss(chosen, y, reduction="none", delta=delta))
    loss = (weight * per_sample).mean()
    loss.backward()
    return {"delta": delta, **tensors(q=q, action=action, y=y, weight=weight, td_error=y - chosen, loss=loss, dq=q.grad)}


def cross_entropy(scale):
    logits = (draw(4, 5) * scale).detach().requires_grad_()
    label = torch.tensor([0, 4, 2, 2])
    loss = F.cross_entropy(logits, label)
    loss.backward()
    return tensors(logits=logits, label=label, loss=loss, dlogits=logits.grad)


def clip(max_norm):
    p = draw(11)
    p.grad = draw(11, grad=False)
    g = p.grad.clone()
    norm = torch.nn.utils.clip_grad_norm_([p], max_norm)
    return {"max_norm": max_norm, **tensors(g=g, norm=norm, clipped=p.grad)}


golden = {
    "made_by": f"scripts/golden/ops.py, PyTorch {torch.__version__}",
    "dense": {"small": dense(3, 4, 5), "one_output": dense(2, 7, 1), "one_sample": dense(1, 3, 2)},
    "conv2d": {
        "plain": conv2d((2, 2, 5, 5), 3, (3, 3)),
        "rectangular": conv2d((2, 2, 5, 6), 2, (2, 3), stride=(2, 1), padding=(1, 0)),
        "stride_2_padding_1": conv2d((1, 3, 6, 5), 2, (3, 3), stride=(2, 2), padding=(1, 1)),
        "stride_above_kernel": conv2d((2, 1, 7, 8), 2, (2, 2), stride=(3, 3)),
        "padding_2": conv2d((1, 2, 4, 4), 2, (5, 5), padding=(2, 2)),
        "kernel_1x1": conv2d((2, 3, 2, 3), 4, (1, 1)),
        "whole_image": conv2d((2, 2, 3, 4), 3, (3, 4)),
    },
    "max_pool2d": {
        "plain": max_pool2d((2, 2, 4, 6), (2, 2), (2, 2)),
        "overlapping_padded": max_pool2d((2, 1, 6, 5), (3, 3), (2, 2), (1, 1)),
        "rectangular": max_pool2d((1, 2, 5, 6), (3, 2), (1, 2), (1, 0)),
        "stride_above_kernel": max_pool2d((1, 1, 7, 7), (2, 2), (3, 3)),
    },
    "relu": activation(F.relu),
    "leaky_relu": {"slope": 0.01, **activation(lambda x: F.leaky_relu(x, 0.01))},
    "tanh": activation(torch.tanh),
    "sigmoid": activation(torch.sigmoid),
    "layer_norm": {"small": layer_norm(3, 5, 1e-5), "large_epsilon": layer_norm(2, 4, 0.1)},
    "dueling": {"small": dueling(3, 4), "one_action": dueling(2, 1)},
    "td_target": {"single": td_target(double=False), "double": td_target(double=True)},
    "td_loss": {"mse": td_loss("mse"), "huber": td_loss("huber"), "huber_half": td_loss("huber", 0.5)},
    "softmax_cross_entropy": {"small": cross_entropy(1), "large_logits": cross_entropy(400)},
    "clip_by_global_norm": {"clipped": clip(1.5), "not_clipped": clip(50.0)},
    # What came later stands at the end, so that the numbers drawn before stay.
    "gelu": activation(F.gelu),
    "gelu_tanh": activation(lambda x: F.gelu(x, approximate="tanh")),
    "silu": activation(F.silu),
}
json.dump(golden, sys.stdout, separators=(",", ":"))
print()

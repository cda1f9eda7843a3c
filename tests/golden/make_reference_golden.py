#!/usr/bin/env python3
"""Prints reference_golden.h: what PyTorch computes in double precision for a few small cases of every operation.

Inputs are random multiples of 1/8, which print short and are exact; results have all their digits. Tensors are
printed as rncl lays them out: NHWC, filters [r][s][c][k], linear weights [c][k].
"""
import numpy as np
import torch
import torch.nn.functional as F

# batchnorm's constants, as the float that rncl holds them in
EPSILON = float(np.float32(1e-5))
MOMENTUM = float(np.float32(0.1))
RESIDUALS = {"none": 0, "add": 1, "pad": 2}

torch.set_default_dtype(torch.float64)
torch.manual_seed(1)


def eighths(*shape, low=-16, high=17):
    return torch.randint(low, high, shape).double() / 8


def variable(tensor):
    return tensor.clone().requires_grad_()


def nhwc(tensor):
    return tensor.permute(0, 2, 3, 1)


def rsck(tensor):
    return tensor.permute(2, 3, 1, 0)


def number(value):
    value = float(value)
    return str(int(value)) if value.is_integer() else repr(value)


def array(values, kind="double"):
    flat = values.detach().contiguous().flatten() if isinstance(values, torch.Tensor) else values
    words = [number(v) for v in flat]
    lines, line = [], ""
    for word in words:
        if len(line) + len(word) > 100:
            lines.append(line)
            line = ""
        line += word + ","
    return f"(const {kind}[]){{" + "\n".join(lines + [line]) + "}"


def print_table(name, members, rows):
    """A struct golden_NAME with the members and a table golden_NAMEs of the rows, texts by member's name."""
    print(f"\ntypedef struct golden_{name} {{\n    " + "\n    ".join(members) + f"\n}} golden_{name};\n")
    print(f"static const golden_{name} golden_{name}s[] = {{")
    for row in rows:
        print("{" + ",\n".join(f".{key} = {text}" for key, text in row.items()) + "},")
    print("};")


def shape(**sizes):
    return "{" + ", ".join(f".{key} = {value}" for key, value in sizes.items()) + "}"


def conv(n, h, w, c, k, r, s, stride, pad):
    x, filt = variable(eighths(n, c, h, w)), variable(eighths(k, c, r, s))
    y = F.conv2d(x, filt, stride=stride, padding=pad)
    dy = eighths(*y.shape)
    y.backward(dy)
    p, q = y.shape[2:]
    return {
        "shape": shape(n=n, h=h, w=w, c=c, k=k, r=r, s=s, stride=stride, pad=pad, p=p, q=q),
        "x": array(nhwc(x)), "filter": array(rsck(filt)), "y": array(nhwc(y)),
        "dy": array(nhwc(dy)), "dx": array(nhwc(x.grad)), "dfilter": array(rsck(filt.grad)),
    }  # fmt: skip


def batchnorm(n, h, w, c, relu, residual, training=True, stride=2):
    x, weight, bias = variable(eighths(n, c, h, w)), variable(eighths(c)), variable(eighths(c))
    mean, variance = eighths(c), eighths(c, low=1)
    sizes = dict(n=n, h=h, w=w, c=c, relu=int(relu), residual=RESIDUALS[residual])
    row = {
        "training": int(training), "x": array(nhwc(x)), "weight": array(weight), "bias": array(bias),
        "running_mean": array(mean), "running_variance": array(variance),
    }  # fmt: skip
    z = F.batch_norm(x, mean, variance, weight, bias, training, MOMENTUM, EPSILON)
    if residual == "add":
        shortcut = variable(eighths(n, c, h, w))
        z = z + shortcut
    if residual == "pad":
        size, channels = (h * stride, w * stride - 1), (c + 1) // 2
        shortcut = variable(eighths(n, channels, *size))
        z = z + F.pad(shortcut[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, c - channels))
        sizes.update(residual_h=size[0], residual_w=size[1], residual_c=channels, residual_stride=stride)
    assert not relu or z.abs().min() > 1e-6, "rounding must not decide the sign of z: choose another seed"
    y = F.relu(z) if relu else z
    row.update(shape=shape(**sizes), y=array(nhwc(y)))
    if residual != "none":
        row["residual"] = array(nhwc(shortcut))
    if not training:
        return row
    row.update(new_mean=array(mean), new_variance=array(variance))
    dy = eighths(*y.shape)
    y.backward(dy)
    row.update(dy=array(nhwc(dy)), dx=array(nhwc(x.grad)), dweight=array(weight.grad), dbias=array(bias.grad))
    if residual != "none":
        row["dresidual"] = array(nhwc(shortcut.grad))
    return row


def maxpool(n, h, w, c, size, stride, pad):
    x = variable(torch.randint(-2, 2, (n, c, h, w)).double())  # windows with several maxima
    y = F.max_pool2d(x, size, stride, pad)
    dy = eighths(*y.shape)
    y.backward(dy)
    p, q = y.shape[2:]
    return {
        "shape": shape(n=n, h=h, w=w, c=c, size=size, stride=stride, pad=pad, p=p, q=q),
        "x": array(nhwc(x)), "y": array(nhwc(y)), "dy": array(nhwc(dy)), "dx": array(nhwc(x.grad)),
    }  # fmt: skip


def avgpool(n, h, w, c):
    x = variable(eighths(n, c, h, w))
    y = F.adaptive_avg_pool2d(x, 1)
    dy = eighths(*y.shape)
    y.backward(dy)
    return {
        "shape": shape(n=n, h=h, w=w, c=c),
        "x": array(nhwc(x)), "y": array(nhwc(y)), "dy": array(nhwc(dy)), "dx": array(nhwc(x.grad)),
    }  # fmt: skip


def linear(n, c, k):
    x, weight, bias = variable(eighths(n, c)), variable(eighths(k, c)), variable(eighths(k))
    y = F.linear(x, weight, bias)
    dy = eighths(n, k)
    y.backward(dy)
    return {
        "shape": shape(n=n, c=c, k=k),
        "x": array(x), "weight": array(weight.t()), "bias": array(bias), "y": array(y), "dy": array(dy),
        "dx": array(x.grad), "dweight": array(weight.grad.t()), "dbias": array(bias.grad),
    }  # fmt: skip


def softmax(n, k, smoothing, scale, without_label=()):
    logits, labels = variable(eighths(n, k, low=-40, high=41)), torch.randint(0, k, (n,))
    labels[list(without_label)] = -1
    loss = F.cross_entropy(logits, labels, ignore_index=-1, reduction="sum", label_smoothing=smoothing)
    (loss * scale).backward()
    return {
        "shape": shape(n=n, k=k), "smoothing": repr(smoothing), "scale": repr(scale), "loss": number(loss),
        "logits": array(logits), "labels": array(labels, "int32_t"), "dlogits": array(logits.grad),
    }  # fmt: skip


def mixed_softmax(n, k, smoothing, scale, mix, weighted):
    logits, labels, partners = variable(eighths(n, k, low=-40, high=41)), torch.randint(0, k, (n,)), torch.randint(0, k, (n,))
    weights = eighths(k, low=1, high=20) if weighted else None

    def loss_of(target):
        return F.cross_entropy(logits, target, weight=weights, reduction="sum", label_smoothing=smoothing)

    loss = (1 - mix) * loss_of(labels) + mix * loss_of(partners)
    (loss * scale).backward()
    return {
        "shape": shape(n=n, k=k), "smoothing": repr(smoothing), "scale": repr(scale), "mix": repr(mix),
        "loss": number(loss), "logits": array(logits), "weights": array(weights) if weighted else "NULL",
        "labels": array(labels, "int32_t"), "partners": array(partners, "int32_t"), "dlogits": array(logits.grad),
    }  # fmt: skip


def sgd(count, steps, lr, momentum, weight_decay):
    weight = torch.nn.Parameter(eighths(count))
    optimiser = torch.optim.SGD([weight], lr=lr, momentum=momentum, weight_decay=weight_decay)
    row = {
        "count": count, "steps": steps,
        "lr": repr(lr), "momentum": repr(momentum), "weight_decay": repr(weight_decay), "weight": array(weight),
    }  # fmt: skip
    gradients, weights = eighths(steps, count), []
    for gradient in gradients:
        weight.grad = gradient
        optimiser.step()
        weights.append(weight.detach().clone())
    row.update(gradients=array(gradients), weights=array(torch.stack(weights)))
    return row


def pointers(*names):
    return "const double " + ", ".join(f"*{name}" for name in names) + ";"


print("/* Made by make_reference_golden.py: every operation as PyTorch computes it in double precision. */")
print("/* clang-format off */")
print("#ifndef RNCL_TESTS_REFERENCE_GOLDEN_H\n#define RNCL_TESTS_REFERENCE_GOLDEN_H\n")
print("#include <stddef.h>\n#include <stdint.h>\n\n#include \"rncl/kernel_abi.h\"")
print_table(
    "conv",
    ["rncl_conv_shape shape;", pointers("x", "filter", "y", "dy", "dx", "dfilter")],
    [
        conv(n=2, h=5, w=4, c=3, k=4, r=3, s=3, stride=1, pad=1),
        conv(n=2, h=6, w=5, c=2, k=3, r=3, s=3, stride=2, pad=1),
        conv(n=1, h=5, w=4, c=4, k=3, r=1, s=1, stride=2, pad=0),
        conv(n=1, h=9, w=8, c=1, k=2, r=7, s=7, stride=2, pad=3),
        conv(n=1, h=7, w=6, c=2, k=1, r=5, s=2, stride=3, pad=1),
    ],
)
print_table(
    "batchnorm",
    [
        "rncl_batchnorm_shape shape;",
        "int training;",
        pointers("x", "residual", "weight", "bias", "running_mean", "running_variance", "y"),
        pointers("new_mean", "new_variance") + " /* NULL in inference, as are the gradients */",
        pointers("dy", "dx", "dresidual", "dweight", "dbias"),
    ],
    [
        batchnorm(n=2, h=3, w=3, c=3, relu=True, residual="none"),
        batchnorm(n=1, h=3, w=2, c=4, relu=False, residual="none"),
        batchnorm(n=2, h=2, w=3, c=4, relu=True, residual="add"),
        batchnorm(n=2, h=2, w=3, c=5, relu=True, residual="pad"),
        batchnorm(n=2, h=2, w=2, c=2, relu=False, residual="add"),
        batchnorm(n=2, h=2, w=3, c=4, relu=True, residual="add", training=False),
        batchnorm(n=1, h=1, w=1, c=5, relu=False, residual="none", training=False),
    ],
)
print_table(
    "maxpool",
    ["rncl_maxpool_shape shape;", pointers("x", "y", "dy", "dx")],
    [
        maxpool(n=2, h=6, w=5, c=3, size=3, stride=2, pad=1),
        maxpool(n=1, h=7, w=4, c=2, size=2, stride=2, pad=0),
        maxpool(n=1, h=5, w=5, c=2, size=5, stride=1, pad=2),
    ],
)
print_table(
    "avgpool",
    ["rncl_avgpool_shape shape;", pointers("x", "y", "dy", "dx")],
    [avgpool(n=2, h=4, w=3, c=3)],
)
print_table(
    "linear",
    ["rncl_linear_shape shape;", pointers("x", "weight", "bias", "y", "dy", "dx", "dweight", "dbias")],
    [linear(n=4, c=5, k=3)],
)
print_table(
    "softmax",
    ["rncl_softmax_shape shape;", "double smoothing, scale, loss;", pointers("logits", "dlogits"),
     "const int32_t *labels;"],  # fmt: skip
    [
        softmax(n=4, k=7, smoothing=0.0, scale=1.0),
        softmax(n=5, k=10, smoothing=0.1, scale=0.25, without_label=[1, 3]),
    ],
)
print_table(
    "sgd",
    [
        "size_t count, steps;",
        "double lr, momentum, weight_decay;",
        "const double *weight; /* [count], before the first step */",
        "const double *gradients, *weights; /* [steps][count]; weights after each step */",
    ],
    [
        sgd(count=8, steps=3, lr=0.1, momentum=0.9, weight_decay=1e-4),
        sgd(count=3, steps=3, lr=0.5, momentum=0.0, weight_decay=0.25),
    ],
)
print_table(
    "mixed_softmax",
    ["rncl_softmax_shape shape;", "double smoothing, scale, mix, loss;", pointers("logits", "weights", "dlogits"),
     "const int32_t *labels, *partners;"],  # fmt: skip
    [
        mixed_softmax(n=4, k=7, smoothing=0.0, scale=1.0, mix=0.0, weighted=True),
        mixed_softmax(n=3, k=5, smoothing=0.1, scale=0.25, mix=0.0, weighted=True),
        mixed_softmax(n=4, k=6, smoothing=0.0, scale=0.25, mix=0.3, weighted=False),
        mixed_softmax(n=4, k=6, smoothing=0.1, scale=0.25, mix=0.625, weighted=True),
    ],
)
print("\n#endif")

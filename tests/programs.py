"""Run the programs that pages offer, read what they print, and say how far rounding may carry it.

Two programs that compute the same function by other orders of rounding differ by the function's rounding error, and
their difference quotients by that error over the step. `noise` bounds it: the running error of the forward pass, layer
by layer, in units of U.
"""

import contextlib
import io
import re

import numpy as np

from mlp import METHODS
from mlp.nn.layers import Linear
from tests.comparing import U

# As in nn/test_against_torch: some 100 roundings on the way, each of at most a few times U / 2 of the largest entry.
RTOL = 1e-12


def run(text):
    """Run a program by itself and return the arrays, numbers and answers that it prints, by label."""
    assert_readable(text)
    state, output = np.random.get_state(), io.StringIO()
    with np.printoptions(), contextlib.redirect_stdout(output):
        exec(compile(text, "program", "exec"), {"__name__": "__main__"})
    np.random.set_state(state)
    return read(output.getvalue())


def assert_readable(text):
    """Require sentences for comments, sentences or formulas for docstrings, and nothing complex where all is real."""
    comments, docstrings = re.findall("^ *# (.*)", text, re.MULTILINE), re.findall('"""(.*)"""', text)
    assert [one for one in comments if not re.match("[A-Z]", one)] == []
    assert [one for one in docstrings if re.match("[a-z]+ ", one)] == []
    assert [one for one in (*comments, *docstrings) if not one.endswith((".", ":")) or one == one.upper()] == []
    assert ".real" not in text or "complex" in text


def read(output):
    """Read "label: number" and "label:" with an array below it."""
    pieces = re.split(r"^([A-Za-z][^:\n]*):\s", output, flags=re.MULTILINE)[1:]
    return {label: _value(text) for label, text in zip(pieces[::2], pieces[1::2], strict=True)}


def _value(text):
    # numpy prints no commas: put one wherever an entry or a row follows another.
    with_commas = re.sub(r"(?<=[\d.\]nf])\s+(?=[-\d\[ni])", ", ", text.strip())
    return np.array(eval(with_commas, {"nan": np.nan, "inf": np.inf}))


def noise(network, x):
    """Bound the rounding error of each entry of the network's output at x."""
    error = np.zeros_like(x)
    for layer in network.layers.values():
        y = layer.apply(x)
        if isinstance(layer, Linear):
            # A sum of n products and b: n + 1 additions and the products round, each by U / 2 of what is there.
            size = np.abs(x) @ np.abs(layer.W).T + np.abs(layer.b)
            error = error @ np.abs(layer.W).T + (layer.W.shape[1] + 2) * U * size
        else:
            # No activation is steeper than SiLU, whose slope is at most 1.0999; each takes a few operations.
            error = 1.1 * error + 8 * U * np.abs(y)
        x = y
    return error


def loss_noise(network, loss, x, target):
    """Bound the rounding error of the loss."""
    error, y = noise(network, x), network.apply(x)
    value = loss.forward(y, target)
    # The loss itself: a mean of n terms, of which a logarithm may be rounded where it is as large as 1.
    return np.sum(np.abs(loss.backward()) * error) + (y.size + 8) * U * (np.abs(value) + 1)


def quotient_tolerance(error, eps, method, scale):
    """How far two difference quotients of one function may differ, whose values are both off by up to `error`.

    The complex step subtracts no values, so it is as exact as a derivative by formula, whose largest entry is `scale`.
    """
    method = METHODS[method]
    return RTOL * scale + (0 if method.is_complex else 2 * np.sum(np.abs(method.weights)) * error / eps)


def assert_within(actual, expected, tolerance, name):
    """Require equal shapes and |actual - expected| <= tolerance everywhere; NaN never passes."""
    assert np.shape(actual) == np.shape(expected), f"{name} has shape {np.shape(actual)}, not {np.shape(expected)}"
    off = np.max(np.abs(actual - expected))
    assert off <= tolerance, f"{name} is off by {off:.3g}, more than {tolerance:.3g}"

"""The formulas that pages and notebooks show, each beside what a reader computes from it: that is what is computed."""

import numpy as np
import pytest

from mlp import ACTIVATIONS, LOSSES
from tests.comparing import counterpart

X = np.array([-2.3, -0.6, 0.4, 1.9])
Y, T = np.array([-1.7, 0.3, 0.8, 2.5]), np.array([0.25, 0.5, 0.0, 0.25])


def sigma(x):
    return 1 / (1 + np.exp(-x))


# f and f', as LaTeX and as read.
OF_ACTIVATIONS = {
    "Tanh": ((r"\tanh x", "np.tanh(x)"), (r"\frac{1}{\cosh^2 x} = 1 - \tanh^2 x", "1 / np.cosh(x)**2")),
    "Sigmoid": (
        (r"\sigma(x) = \frac{1}{1 + e^{-x}}", "1 / (1 + np.exp(-x))"),
        (r"\sigma(x)\,(1 - \sigma(x))", "sigma(x) * (1 - sigma(x))"),
    ),
    "ReLU": (
        (r"\max(x, 0)", "np.maximum(x, 0)"),
        (r"1 \text{ if } x > 0, \text{ else } 0", "np.where(x > 0, 1, 0)"),
    ),
    "LeakyReLU": (
        (r"x \text{ if } x > 0, \text{ else } 0.01\,x", "np.where(x > 0, x, 0.01 * x)"),
        (r"1 \text{ if } x > 0, \text{ else } 0.01", "np.where(x > 0, 1, 0.01)"),
    ),
    "Softplus": (
        (r"\log(1 + e^x)", "np.log(1 + np.exp(x))"),
        (r"\sigma(x) = \frac{1}{1 + e^{-x}}", "1 / (1 + np.exp(-x))"),
    ),
    "SiLU": (
        (r"x\,\sigma(x) = \frac{x}{1 + e^{-x}}", "x / (1 + np.exp(-x))"),
        (r"\sigma(x)\,(1 + x\,(1 - \sigma(x)))", "sigma(x) * (1 + x * (1 - sigma(x)))"),
    ),
    "Identity": (("x", "x"), ("1", "x**0")),
}
# c and dc/dy; a sum over i is written out over the entries of y.
OF_LOSSES = {
    "MSELoss": (
        (r"c = \frac{1}{n} \sum_i (y_i - t_i)^2", "1 / n * np.sum((y - t)**2)"),
        (r"\frac{\partial c}{\partial y_i} = \frac{2}{n} (y_i - t_i)", "2 / n * (y - t)"),
    ),
    "HuberLoss": (
        (
            r"c = \frac{1}{n} \sum_i \begin{cases} \frac{1}{2} (y_i - t_i)^2 & |y_i - t_i| \le 1 \\ "
            r"|y_i - t_i| - \frac{1}{2} & \text{else} \end{cases}",
            "1 / n * np.sum(np.where(abs(y - t) <= 1, (y - t)**2 / 2, abs(y - t) - 1 / 2))",
        ),
        (
            r"\frac{\partial c}{\partial y_i} = \frac{1}{n} \min(1, \max(-1, y_i - t_i))",
            "1 / n * np.minimum(1, np.maximum(-1, y - t))",
        ),
    ),
    "BCEWithLogitsLoss": (
        (
            r"c = \frac{1}{n} \sum_i \left[ (1 - t_i)\,y_i + \log(1 + e^{-y_i}) \right]",
            "1 / n * np.sum((1 - t) * y + np.log(1 + np.exp(-y)))",
        ),
        (r"\frac{\partial c}{\partial y_i} = \frac{1}{n} (\sigma(y_i) - t_i)", "1 / n * (sigma(y) - t)"),
    ),
    "CrossEntropyLoss": (
        (
            r"c = -\sum_i t_i \log \frac{e^{y_i}}{\sum_j e^{y_j}}",
            "-np.sum(t * np.log(np.exp(y) / np.sum(np.exp(y))))",
        ),
        (
            r"\frac{\partial c}{\partial y_i} = \frac{e^{y_i}}{\sum_j e^{y_j}} \sum_j t_j - t_i",
            "np.exp(y) / np.sum(np.exp(y)) * np.sum(t) - t",
        ),
    ),
}


def read(text):
    return eval(text, {"np": np, "x": X, "y": Y, "t": T, "n": Y.size, "sigma": sigma})


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_its_formula(name):
    activation = ACTIVATIONS[name]
    (f, f_read), (slope, slope_read) = counterpart(OF_ACTIVATIONS, name, "OF_ACTIVATIONS")
    assert (activation.formula, activation.derivative_formula) == (f, slope)
    np.testing.assert_allclose(activation().apply(X), read(f_read), rtol=1e-13)
    np.testing.assert_allclose(activation.derivative(X), read(slope_read), rtol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_its_formula(name):
    loss = LOSSES[name]
    (c, c_read), (gradient, gradient_read) = counterpart(OF_LOSSES, name, "OF_LOSSES")
    assert (loss.formula, loss.gradient_formula) == (c, gradient)
    np.testing.assert_allclose(loss().apply(Y, T), read(c_read), rtol=1e-13)
    np.testing.assert_allclose(loss.gradient(Y, T), read(gradient_read), rtol=1e-12)

"""The line of algebra that would be right, by the class of the layer or by what it does; and numbers in words."""

from mlp.check.diagnosis.isolated_layer import IsolatedLayer, Role
from mlp.check.passes import LOSS
from mlp.nn.problem import INPUT

# By class name, so that a subclass, or a class of the same name written elsewhere, finds its line.
_LINES: dict[str, str] = {
    "Tanh": "dx = dy * (1 - np.tanh(x)**2)",
    "Sigmoid": "dx = dy * s * (1 - s), where s = 1 / (1 + np.exp(-x))",
    "ReLU": "dx = dy * (x > 0)",
    "LeakyReLU": "dx = dy * np.where(x > 0, 1, 0.01)",
    "Softplus": "dx = dy / (1 + np.exp(-x))",
    "SiLU": "dx = dy * (s + x * s * (1 - s)), where s = 1 / (1 + np.exp(-x))",
    "Identity": "dx = dy",
    "MSELoss": "dy = 2 * (y - t) / y.size",
    "HuberLoss": "dy = np.clip(y - t, -1, 1) / y.size",
    "BCEWithLogitsLoss": "dy = (1 / (1 + np.exp(-y)) - t) / y.size",
    "CrossEntropyLoss": "dy = (softmax(y) - t) / n, where n is the number of samples",
}

_BY_ROLE = {
    Role.ELEMENTWISE: "dx = dy * f'(x), with the x that forward was given",
    Role.OTHER: "dx[j] = sum over i of dy[i] * (the derivative of y[i] by x[j])",
    Role.LOSS: "{} = the derivative of the very number that forward returns, by the prediction",
}


def right_line(case: IsolatedLayer, tensor: str) -> str:
    """The right line for one gradient of a case."""
    subject = getattr(case.subject, "inner", case.subject)
    if hasattr(subject, "right_line"):
        return str(subject.right_line(tensor))
    for kind in type(subject).__mro__:
        if kind.__name__ in _LINES and (tensor == INPUT):
            return _LINES[kind.__name__]
    if case.role is Role.LINEAR:
        return _linear(case, tensor)
    if tensor != INPUT:
        return f"d{tensor} = the sum over samples of dy times the derivative of y by {tensor}"
    return _BY_ROLE[case.role].format(symbol(case, tensor))


def known_factor(case: IsolatedLayer, factor: float) -> str:
    """In words what a factor may be: one over a number that is averaged over; "" if it is none of these."""
    counts = {case.samples: "the number of samples", case.y.size: "the number of all outputs"}
    known = [name for count, name in counts.items() if count > 1 and abs(abs(factor) * count - 1) < 1e-6]
    return f" (one over {known[0]}: a mean)" if known else ""


def apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to tell them apart, four at least."""
    for digits in range(4, 17):
        if f"{one:.{digits}g}" != f"{other:.{digits}g}":
            return f"{one:.{digits}g}", f"{other:.{digits}g}"
    return repr(one), repr(other)


def symbol(case: IsolatedLayer, tensor: str) -> str:
    """How a sentence calls a gradient: dx, dW, db, or dy for the loss of a network."""
    return "dy" if case.name == LOSS else f"d{tensor}"


def _linear(case: IsolatedLayer, tensor: str) -> str:
    W, b = case.weight, case.bias
    batch = case.x.ndim == 2
    if tensor == b:
        return f"d{b} = dy.sum(axis=0)" if batch else f"d{b} = dy"
    if tensor == W:
        first, second = ("dy", "x") if case.out_first else ("x", "dy")
        return f"d{W} = {first}.T @ {second}" if batch else f"d{W} = np.outer({first}, {second})"
    return f"dx = dy @ {W}" if case.out_first else f"dx = dy @ {W}.T"

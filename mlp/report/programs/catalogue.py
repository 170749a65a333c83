"""The catalogue of formulas: what numpy, PyTorch and JAX write for everything a program may hold, each once.

The keys are the names in the registries. What is not listed is offered in mlp alone, and so is what a language leaves
empty: nothing newly registered can meet a wrong formula, and an entry here is all that it needs to be offered.

The numpy formulas also take complex numbers, as the complex step needs: they branch on the real part. Where only real
numbers come, `.real` is left out. None of them overflows, and none loses the digits of a small result.

PyTorch's own softplus gives z itself beyond z = 20, and so is off by up to 2e-9; logaddexp(z, 0) is exact. Its
binary_cross_entropy_with_logits subtracts large numbers where a small loss is left, which the sum here does not.
jax.nn.leaky_relu has slope 1 at the kink; where() gives it the slope that PyTorch and this package give it.
"""

from typing import NamedTuple


class Update(NamedTuple):
    """An optimiser: in numpy what it keeps of earlier steps, by name, and how a parameter p moves by its gradient g.

    Both may use the rate, and the number of the step from 1. In PyTorch it is one call.
    """

    kept: tuple[str, ...]
    numpy: str
    torch: str


class Formula(NamedTuple):
    """One expression in three languages, and its derivative in numpy.

    Of an activation in z; of a loss in y and target; of an example function in x or A, with its Jacobian of shape
    (outputs, inputs) as the derivative.
    """

    numpy: str
    derivative: str
    torch: str
    jax: str


ACTIVATIONS: dict[str, Formula] = {
    "Tanh": Formula(
        "np.tanh(z)",
        "1 / np.cosh(z) ** 2",
        "torch.tanh(z)",
        "jnp.tanh(z)",
    ),
    "Sigmoid": Formula(
        "sigmoid(z)",
        "sigmoid(z) * sigmoid(-z)",
        "torch.sigmoid(z)",
        "jax.nn.sigmoid(z)",
    ),
    "ReLU": Formula(
        "np.where(z.real > 0, z, 0)",
        "np.where(z > 0, 1.0, 0.0)",
        "torch.relu(z)",
        "jax.nn.relu(z)",
    ),
    "LeakyReLU": Formula(
        "np.where(z.real > 0, z, 0.01 * z)",
        "np.where(z > 0, 1.0, 0.01)",
        "F.leaky_relu(z, 0.01)",
        "jnp.where(z > 0, z, 0.01 * z)",
    ),
    "Softplus": Formula(
        "softplus(z)",
        "sigmoid(z)",
        "torch.logaddexp(z, torch.zeros_like(z))",
        "jax.nn.softplus(z)",
    ),
    "SiLU": Formula(
        "z * sigmoid(z)",
        "sigmoid(z) * (1 + z * sigmoid(-z))",
        "F.silu(z)",
        "jax.nn.silu(z)",
    ),
    "Identity": Formula(
        "z",
        "np.ones_like(z)",
        "z",
        "z",
    ),
}

LOSSES: dict[str, Formula] = {
    "MSELoss": Formula(
        "np.mean((y - target) ** 2)",
        "2 * (y - target) / y.size",
        "F.mse_loss(y, target)",
        "jnp.mean((y - target) ** 2)",
    ),
    "HuberLoss": Formula(
        "np.mean(huber(y - target))",
        "np.clip(y - target, -1, 1) / y.size",
        "F.huber_loss(y, target)",
        "jnp.mean(jnp.where(abs(y - target) <= 1, (y - target) ** 2 / 2, abs(y - target) - 0.5))",
    ),
    "BCEWithLogitsLoss": Formula(
        "np.mean(target * softplus(-y) + (1 - target) * softplus(y))",
        "(sigmoid(y) - target) / y.size",
        "-torch.mean(target * F.logsigmoid(y) + (1 - target) * F.logsigmoid(-y))",
        "-jnp.mean(target * jax.nn.log_sigmoid(y) + (1 - target) * jax.nn.log_sigmoid(-y))",
    ),
    "CrossEntropyLoss": Formula(
        "-np.mean(np.sum(target * log_softmax(y), axis=-1))",
        "(np.exp(log_softmax(y)) * target.sum(axis=-1, keepdims=True) - target) / y[..., 0].size  # samples",
        "F.cross_entropy(y, target)",
        "-jnp.mean(jnp.sum(target * jax.nn.log_softmax(y), axis=-1))",
    ),
}

# Functions that the numpy expressions call, by name.
HELPERS: dict[str, str] = {
    "sigmoid": '''\
def sigmoid(z):
    """1 / (1 + exp(-z)), with exp only of negative numbers, so that it cannot overflow."""
    e = np.exp(np.where(z.real > 0, -z, z))
    return np.where(z.real > 0, 1, e) / (1 + e)''',
    "softplus": '''\
def softplus(z):
    """log(1 + exp(z)), with exp only of negative numbers, so that it cannot overflow."""
    e = np.exp(np.where(z.real > 0, -z, z))
    return np.where(z.real > 0, z, 0) + np.log1p(e)''',
    "log_softmax": '''\
def log_softmax(y):
    """log(exp(y_i) / sum_j exp(y_j)); the largest is taken off first, so that exp cannot overflow."""
    y = y - y.real.max(axis=-1, keepdims=True)
    return y - np.log(np.exp(y).sum(axis=-1, keepdims=True))''',
    "huber": '''\
def huber(d):
    """A parabola up to |d| = 1, from there on its tangents."""
    size = np.where(d.real > 0, d, -d)
    return np.where(size.real <= 1, d**2 / 2, size - 0.5)''',
}

# What numpy draws: the weights and the bias of a layer, and the target of a loss.
INITIALISATIONS: dict[str, str] = {
    "standard normal": "np.random.randn({outputs}, {inputs}), np.random.randn({outputs})",
    "Glorot": "np.sqrt(2 / ({inputs} + {outputs})) * np.random.randn({outputs}, {inputs}), np.zeros({outputs})",
    "He": "np.sqrt(2 / {inputs}) * np.random.randn({outputs}, {inputs}), np.zeros({outputs})",
}

_NORMAL = "target = np.random.randn({shape})"
TARGETS: dict[str, str] = {
    "MSELoss": _NORMAL,
    "HuberLoss": _NORMAL,
    "BCEWithLogitsLoss": "target = (np.random.randn({shape}) > 0).astype(float)  # zeros and ones",
    "CrossEntropyLoss": "scores = np.random.randn({shape})\n"
    "target = (scores == scores.max(axis=-1, keepdims=True)).astype(float)  # one class for each sample",
}

OPTIMISERS: dict[str, Update] = {
    "SGD": Update((), "p -= rate * g", "torch.optim.SGD(parameters, lr=rate)"),
    "momentum": Update(
        ("v",),
        "v[...] = 0.9 * v + g\np -= rate * v",
        "torch.optim.SGD(parameters, lr=rate, momentum=0.9)",
    ),
    "Adam": Update(
        ("m", "s"),
        "m[...] = 0.9 * m + 0.1 * g\n"
        "s[...] = 0.999 * s + 0.001 * g**2\n"
        "p -= rate * m / (1 - 0.9**step) / (np.sqrt(s / (1 - 0.999**step)) + 1e-8)",
        "torch.optim.Adam(parameters, lr=rate)",
    ),
}

EXAMPLES: dict[str, Formula] = {
    "sum of squares": Formula("np.sum(x * x)", "2 * x.reshape(1, -1)", "torch.sum(x * x)", "jnp.sum(x * x)"),
    "cubic": Formula("x**3", "3 * x.reshape(1, 1) ** 2", "x**3", "x**3"),
    "sine": Formula("np.sin(x)", "np.cos(x).reshape(1, 1)", "torch.sin(x)", "jnp.sin(x)"),
    "exponential": Formula("np.exp(x)", "np.exp(x).reshape(1, 1)", "torch.exp(x)", "jnp.exp(x)"),
    "pole": Formula("1 / x", "-1 / x.reshape(1, 1) ** 2", "1 / x", "1 / x"),
    "absolute value": Formula(
        "np.abs(x)",
        "np.where(x == 0, np.nan, np.sign(x)).reshape(1, 1)",
        "torch.abs(x)",
        "jnp.abs(x)",
    ),
    "polar coordinates": Formula(
        "np.array([x[0] * np.cos(x[1]), x[0] * np.sin(x[1])])",
        "np.array([[np.cos(x[1]), -x[0] * np.sin(x[1])], [np.sin(x[1]), x[0] * np.cos(x[1])]])",
        "torch.stack([x[0] * torch.cos(x[1]), x[0] * torch.sin(x[1])])",
        "jnp.array([x[0] * jnp.cos(x[1]), x[0] * jnp.sin(x[1])])",
    ),
    "matrix input": Formula(
        "np.sin(A @ v)",
        "np.kron(np.eye(len(A)), v) * np.cos(A @ v)[:, None]",
        "torch.sin(A @ torch.tensor(v))",
        "jnp.sin(A @ v)",
    ),
}

# Lines that an example needs first, in every language.
CONSTANTS: dict[str, str] = {"matrix input": "v = np.array([1.0, 2.0, 3.0])"}

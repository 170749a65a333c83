"""What numpy, PyTorch and JAX write for each activation and each loss: tables, keyed by the names in the registries.

A language whose table lacks an entry is not offered for it, so nothing newly registered can meet a wrong formula.

The numpy formulas also take complex numbers, as the complex step needs: they branch on the real part. Where only real
numbers come, `.real` is left out. None of them overflows, and none loses the digits of a small result.
"""

from typing import NamedTuple


class Formula(NamedTuple):
    """A function and its derivative, as numpy expressions."""

    value: str
    derivative: str


NUMPY_ACTIVATIONS: dict[str, Formula] = {
    "Tanh": Formula("np.tanh(z)", "1 / np.cosh(z) ** 2"),
    "Sigmoid": Formula("sigmoid(z)", "sigmoid(z) * sigmoid(-z)"),
    "ReLU": Formula("np.where(z.real > 0, z, 0)", "np.where(z > 0, 1.0, 0.0)"),
    "LeakyReLU": Formula("np.where(z.real > 0, z, 0.01 * z)", "np.where(z > 0, 1.0, 0.01)"),
    "Softplus": Formula("softplus(z)", "sigmoid(z)"),
    "SiLU": Formula("z * sigmoid(z)", "sigmoid(z) * (1 + z * sigmoid(-z))"),
    "Identity": Formula("z", "np.ones_like(z)"),
}

NUMPY_LOSSES: dict[str, Formula] = {
    "MSELoss": Formula("np.mean((y - target) ** 2)", "2 * (y - target) / y.size"),
    "HuberLoss": Formula("np.mean(huber(y - target))", "np.clip(y - target, -1, 1) / y.size"),
    "BCEWithLogitsLoss": Formula(
        "np.mean(target * softplus(-y) + (1 - target) * softplus(y))", "(sigmoid(y) - target) / y.size"
    ),
    "CrossEntropyLoss": Formula(
        "-np.mean(np.sum(target * log_softmax(y), axis=-1))",
        "(np.exp(log_softmax(y)) * target.sum(axis=-1, keepdims=True) - target) / y[..., 0].size  # samples",
    ),
}

# Functions that the expressions above call, by name.
NUMPY_HELPERS: dict[str, str] = {
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

# PyTorch's own softplus gives z itself beyond z = 20, and so is off by up to 2e-9; logaddexp(z, 0) is exact. Its
# binary_cross_entropy_with_logits subtracts large numbers where a small loss is left, which the sum here does not.
TORCH_ACTIVATIONS: dict[str, str] = {
    "Tanh": "torch.tanh(z)",
    "Sigmoid": "torch.sigmoid(z)",
    "ReLU": "torch.relu(z)",
    "LeakyReLU": "F.leaky_relu(z, 0.01)",
    "Softplus": "torch.logaddexp(z, torch.zeros_like(z))",
    "SiLU": "F.silu(z)",
    "Identity": "z",
}

TORCH_LOSSES: dict[str, str] = {
    "MSELoss": "F.mse_loss(y, target)",
    "HuberLoss": "F.huber_loss(y, target)",
    "BCEWithLogitsLoss": "-torch.mean(target * F.logsigmoid(y) + (1 - target) * F.logsigmoid(-y))",
    "CrossEntropyLoss": "F.cross_entropy(y, target)",
}

# jax.nn.leaky_relu has slope 1 at the kink; where() gives it the slope that PyTorch and this package give it.
JAX_ACTIVATIONS: dict[str, str] = {
    "Tanh": "jnp.tanh(z)",
    "Sigmoid": "jax.nn.sigmoid(z)",
    "ReLU": "jax.nn.relu(z)",
    "LeakyReLU": "jnp.where(z > 0, z, 0.01 * z)",
    "Softplus": "jax.nn.softplus(z)",
    "SiLU": "jax.nn.silu(z)",
    "Identity": "z",
}

JAX_LOSSES: dict[str, str] = {
    "MSELoss": "jnp.mean((y - target) ** 2)",
    "HuberLoss": "jnp.mean(jnp.where(abs(y - target) <= 1, (y - target) ** 2 / 2, abs(y - target) - 0.5))",
    "BCEWithLogitsLoss": "-jnp.mean(target * jax.nn.log_sigmoid(y) + (1 - target) * jax.nn.log_sigmoid(-y))",
    "CrossEntropyLoss": "-jnp.mean(jnp.sum(target * jax.nn.log_softmax(y), axis=-1))",
}

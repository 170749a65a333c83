"""Ready code to take along with a problem: it loads the problem, computes every gradient, and saves them."""

from typing import NamedTuple

from mlp.lab.experiment import Experiment
from mlp.report.files.exchange import GRADIENTS_FILE, PROBLEM_FILE


class Words(NamedTuple):
    """One expression as the three libraries write it."""

    numpy: str
    torch: str
    jax: str


# What each activation is, and for numpy its derivative, as expressions in z.
_ACTIVATIONS: dict[str, tuple[Words, str]] = {
    "Tanh": (Words("np.tanh(z)", "torch.tanh(z)", "jnp.tanh(z)"), "1 - np.tanh(z) ** 2"),
    "Sigmoid": (
        Words("1 / (1 + np.exp(-z))", "torch.sigmoid(z)", "jax.nn.sigmoid(z)"),
        "np.exp(-z) / (1 + np.exp(-z)) ** 2",
    ),
    "ReLU": (Words("np.maximum(z, 0)", "torch.relu(z)", "jax.nn.relu(z)"), "(z > 0) * 1.0"),
    "LeakyReLU": (
        Words("np.where(z > 0, z, 0.01 * z)", "F.leaky_relu(z)", "jax.nn.leaky_relu(z)"),
        "np.where(z > 0, 1.0, 0.01)",
    ),
    "Softplus": (
        Words("np.log1p(np.exp(z))", "torch.logaddexp(z, torch.zeros_like(z))", "jax.nn.softplus(z)"),
        "1 / (1 + np.exp(-z))",
    ),
    "SiLU": (
        Words("z / (1 + np.exp(-z))", "F.silu(z)", "jax.nn.silu(z)"),
        "(1 + np.exp(-z) * (1 + z)) / (1 + np.exp(-z)) ** 2",
    ),
    "Identity": (Words("z", "z", "z"), "np.ones_like(z)"),
}

# What each loss is as an expression in y and target, for numpy its gradient; y is a batch of rows in numpy.
_LOSSES: dict[str, Words] = {
    "MSELoss": Words(
        "2 * (y - target) / y.size",
        "F.mse_loss(y, target)",
        "jnp.mean((y - target) ** 2)",
    ),
    "HuberLoss": Words(
        "np.clip(y - target, -1, 1) / y.size",
        "F.huber_loss(y, target)",
        "jnp.mean(jnp.where(abs(y - target) <= 1, (y - target) ** 2 / 2, abs(y - target) - 0.5))",
    ),
    "BCEWithLogitsLoss": Words(
        "(1 / (1 + np.exp(-y)) - target) / y.size",
        "F.binary_cross_entropy_with_logits(y, target)",
        "jnp.mean(jax.nn.softplus(y) - target * y)",
    ),
    "CrossEntropyLoss": Words(
        "(np.exp(y) / np.exp(y).sum(axis=1, keepdims=True) * target.sum(axis=1, keepdims=True) - target) / len(y)",
        "F.cross_entropy(y, target)",
        "-jnp.sum(target * jax.nn.log_softmax(y)) / (len(y) if y.ndim == 2 else 1)",
    ),
}

_NUMPY = """\
import numpy as np

problem = np.load("{problem}", allow_pickle=False)
layers = sum(name.endswith(".W") for name in problem.files)
x, target = np.atleast_2d(problem["x"]), np.atleast_2d(problem["target"])


def activation(z):
    return {activation}


def activation_derivative(z):
    return {derivative}


# Forward: h[k] goes into layer k + 1, z[k] comes out of it.
h, z = [x], []
for k in range(1, layers + 1):
    z.append(h[-1] @ problem[f"fc{{k}}.W"].T + problem[f"fc{{k}}.b"])
    h.append(activation(z[-1]) if k < layers else z[-1])
y = h[-1]

# Backward.
gradients = {{}}
d = {loss}
for k in range(layers, 0, -1):
    if k < layers:
        d = d * activation_derivative(z[k - 1])
    gradients[f"fc{{k}}.W"] = d.T @ h[k - 1]
    gradients[f"fc{{k}}.b"] = d.sum(axis=0)
    d = d @ problem[f"fc{{k}}.W"]
gradients["x"] = d.reshape(problem["x"].shape)

np.savez("{gradients}", **gradients)
"""

_TORCH = """\
import numpy as np
import torch
import torch.nn.functional as F

problem = np.load("{problem}", allow_pickle=False)
layers = sum(name.endswith(".W") for name in problem.files)
tensors = {{name: torch.from_numpy(problem[name]) for name in problem.files}}
target = tensors.pop("target")
for tensor in tensors.values():
    tensor.requires_grad_()

y = tensors["x"]
for k in range(1, layers + 1):
    z = F.linear(y, tensors[f"fc{{k}}.W"], tensors[f"fc{{k}}.b"])
    y = {activation} if k < layers else z
loss = {loss}
loss.backward()

np.savez("{gradients}", **{{name: tensor.grad.numpy() for name, tensor in tensors.items()}})
"""

_JAX = """\
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
problem = np.load("{problem}", allow_pickle=False)
layers = sum(name.endswith(".W") for name in problem.files)
tensors = {{name: jnp.asarray(problem[name]) for name in problem.files}}
target = tensors.pop("target")


def loss(tensors):
    y = tensors["x"]
    for k in range(1, layers + 1):
        z = y @ tensors[f"fc{{k}}.W"].T + tensors[f"fc{{k}}.b"]
        y = {activation} if k < layers else z
    return {loss}


gradients = jax.grad(loss)(tensors)

np.savez("{gradients}", **{{name: np.asarray(gradient) for name, gradient in gradients.items()}})
"""

_CODE = {"numpy": _NUMPY, "PyTorch": _TORCH, "JAX": _JAX}
LIBRARIES = tuple(_CODE)


def code(experiment: Experiment, library: str) -> str:
    """A script that loads the problem, computes every gradient, and saves them as gradients.npz.

    Args:
        experiment: its activation and loss are written into the script; all else is read from the files.
        library: one of LIBRARIES.

    Raises:
        ValueError: there is no such library here.
    """
    if library not in _CODE:
        raise ValueError(f"library must be one of {', '.join(LIBRARIES)}, not {library!r}")
    words, derivative = _ACTIVATIONS[experiment.activation]
    index = LIBRARIES.index(library)
    return _CODE[library].format(
        problem=PROBLEM_FILE,
        gradients=GRADIENTS_FILE,
        activation=words[index],
        derivative=derivative,
        loss=_LOSSES[experiment.loss][index],
    )

"""Programs to take along with a problem: one computes and saves its gradients, one checks those that were saved."""

from dataclasses import asdict
from functools import partial

from mlp.lab.experiment import Experiment
from mlp.report.files.exchange import GRADIENTS_FILE, PROBLEM_FILE
from mlp.report.programs.catalogue import ACTIVATIONS, LOSSES
from mlp.report.programs.languages import JAX, MLP, NUMPY, TORCH, Programs, offered
from mlp.report.programs.passes import numpy_activation, with_helpers
from mlp.report.programs.writing import program

_MLP = """\
import numpy as np
from mlp import ACTIVATIONS, LOSSES, Sequential, dense_layers

problem = np.load("{problem}", allow_pickle=False)
network = Sequential(**dense_layers({sizes}, ACTIVATIONS["{activation}"]))
loss = LOSSES["{loss}"]()
for name, parameter in network.parameters().items():
    parameter[...] = problem[name]

loss.forward(network.forward(problem["x"]), problem["target"])
dx = network.backward(loss.backward())

np.savez("{gradients}", x=dx, **network.gradients())
"""

_NUMPY = """\
import numpy as np

problem = np.load("{problem}", allow_pickle=False)
layers = sum(name.endswith(".W") for name in problem.files)
x, target = np.atleast_2d(problem["x"]), np.atleast_2d(problem["target"])


{functions}


# Forward: h[k] goes into layer k + 1, z[k] comes out of it.
h, z = [x], []
for k in range(1, layers + 1):
    z.append(h[-1] @ problem[f"fc{{k}}.W"].T + problem[f"fc{{k}}.b"])
    h.append(f(z[-1]) if k < layers else z[-1])
y = h[-1]

# Backward.
gradients = {{}}
d = {loss}
for k in range(layers, 0, -1):
    if k < layers:
        d = d * df(z[k - 1])
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

_CHECK = """\
import numpy as np
from mlp import ACTIVATIONS, LOSSES, Sequential, check_given_gradients, dense_layers

problem = np.load("{problem}", allow_pickle=False)
network = Sequential(**dense_layers({sizes}, ACTIVATIONS["{activation}"]))
loss = LOSSES["{loss}"]()
for name, parameter in network.parameters().items():
    parameter[...] = problem[name]

gradients = dict(np.load("{gradients}", allow_pickle=False))
report = check_given_gradients(
    network, loss, problem["x"], problem["target"], gradients, eps={eps!r}, method="{method}"
)
print(report.verdict.words)
print(report.summary)
"""


def computing(experiment: Experiment) -> Programs:
    """Scripts that load the problem, compute every gradient, and save them as gradients.npz; mlp's own comes last.

    The experiment's activation and loss are written into them; but for mlp's sizes, all else is read from the file.
    """
    writers = {
        NUMPY: partial(_numpy, experiment),
        TORCH: partial(_torch, experiment),
        JAX: partial(_jax, experiment),
    }
    return offered(writers, experiment.activation, experiment.loss) | {MLP: _filled(_MLP, experiment)}


def checking(experiment: Experiment) -> str:
    """The script that checks gradients.npz with the experiment's step and method."""
    return _filled(_CHECK, experiment)


def _numpy(experiment: Experiment) -> str:
    loss = LOSSES[experiment.loss].derivative
    functions = with_helpers(numpy_activation(experiment.activation), is_complex=False, also=loss)
    return _filled(_NUMPY, experiment, loss=loss, functions=program(*functions).rstrip())


def _torch(experiment: Experiment) -> str:
    activation, loss = ACTIVATIONS[experiment.activation].torch, LOSSES[experiment.loss].torch
    return _filled(_TORCH, experiment, activation=activation, loss=loss)


def _jax(experiment: Experiment) -> str:
    activation, loss = ACTIVATIONS[experiment.activation].jax, LOSSES[experiment.loss].jax
    return _filled(_JAX, experiment, activation=activation, loss=loss)


def _filled(template: str, experiment: Experiment, **expressions: str) -> str:
    return template.format(problem=PROBLEM_FILE, gradients=GRADIENTS_FILE, **(asdict(experiment) | expressions))

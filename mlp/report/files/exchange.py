"""A problem to take elsewhere: its numbers as NPZ and its settings as JSON."""

import io
import json

import numpy as np

from mlp.check.check import analytical_gradients
from mlp.check.gallery import GALLERY
from mlp.check.gallery.bug import plant
from mlp.lab.experiment import Experiment
from mlp.nn.arrays import Array

PROBLEM_FILE = "problem.npz"
SETTINGS_FILE = "problem.json"
GRADIENTS_FILE = "gradients.npz"


def problem_npz(experiment: Experiment) -> bytes:
    """The weights, biases, input and target of an experiment as an NPZ file without pickles.

    The arrays are float64 and named as everywhere here: fc1.W of shape (out, in), fc1.b, ..., x, target.
    """
    problem = experiment.problem()
    return _npz({**problem.tensors(), "target": problem.target})


def sample_npz(experiment: Experiment) -> bytes:
    """Gradients as somebody may bring them, with a mistake: to see what becomes of it.

    They have PyTorch's names. The mistake is a forgotten derivative of the last activation; in a network without one,
    a sign.
    """
    problem = experiment.problem()
    last = f"activation_fn{len(experiment.sizes) - 2}"
    bug, place = ("derivative missing", last) if len(experiment.sizes) > 2 else ("minus in the gradient", "fc1")
    wrong = plant(GALLERY[bug], problem.network, problem.loss, place)
    gradients = analytical_gradients(wrong.network, wrong.loss, problem.x, problem.target)[1]
    names = {"W": "weight", "b": "bias", "x": "x"}
    return _npz(
        {".".join(names.get(word, word) for word in name.split(".")): array for name, array in gradients.items()}
    )


def _as_in_torch(name: str) -> str:
    layer, _, parameter = name.rpartition(".")
    return f"{layer}.{'weight' if parameter == 'W' else 'bias'}" if layer else name


def _npz(arrays: dict[str, Array]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # no tensor is named as savez's own option
    return buffer.getvalue()


def problem_json(experiment: Experiment) -> str:
    """The settings, and the shape of every gradient that is wanted back."""
    shapes = {name: list(shape) for name, shape in gradient_shapes(experiment).items()}
    told = {"settings": experiment.settings(), "linear_layers": len(experiment.sizes) - 1, "gradients": shapes}
    return json.dumps(told, indent=2) + "\n"


def gradient_shapes(experiment: Experiment) -> dict[str, tuple[int, ...]]:
    """The name and shape of every tensor that the loss has a gradient with respect to, the input last as "x"."""
    problem = experiment.problem()
    return {name: array.shape for name, array in problem.tensors().items()}

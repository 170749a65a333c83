"""The lines that draw an experiment's numbers with `np.random.seed`, in the exercise's order."""

from itertools import pairwise

from mlp.lab.experiment import Experiment
from mlp.report.programs.writing import lines

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


def draws(experiment: Experiment) -> str:
    """Draw W1, b1, W2, ..., then x, then target."""
    initialisation, samples = INITIALISATIONS[experiment.initialisation], ""
    if experiment.batch > 1:
        samples = f"{experiment.batch}, "
    sizes = enumerate(pairwise(experiment.sizes), start=1)
    return lines(
        [
            "# Weights and biases layer by layer, then the input, then the target.",
            f"np.random.seed({experiment.seed})",
            *(f"W{i}, b{i} = {initialisation.format(inputs=n, outputs=m)}" for i, (n, m) in sizes),
            f"x = np.random.randn({samples}{experiment.sizes[0]})",
            TARGETS[experiment.loss].format(shape=f"{samples}{experiment.sizes[-1]}"),
        ]
    )

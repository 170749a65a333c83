"""Experiments worth a look, each with the sentence that says what to look at."""

from typing import NamedTuple

from mlp.lab.experiment import Experiment


class Preset(NamedTuple):
    """An experiment and what it shows."""

    experiment: Experiment
    shows: str


PRESETS: dict[str, Preset] = {
    "The exercise": Preset(
        Experiment(),
        "Two hidden layers of tanh, one sample, mean-squared error, eps 1e-4: the network of the exercise.",
    ),
    "By hand (1-1-1)": Preset(
        Experiment(sizes=(1, 1, 1)),
        "One input, one hidden unit, one output: small enough to follow every number with pencil and paper.",
    ),
    "Classifier (softmax, batch of 8)": Preset(
        Experiment(sizes=(4, 16, 3), activation="SiLU", loss="CrossEntropyLoss", initialisation="Glorot", batch=8),
        "Eight samples at once: the gradients of the parameters are sums over the batch.",
    ),
    "Deep and saturated (vanishing)": Preset(
        Experiment(sizes=(4, 10, 10, 10, 10, 10, 10, 10, 3), activation="Sigmoid"),
        "A sigmoid's slope is at most 1/4, and less where it is saturated: the gradients shrink with every layer on "
        "their way back.",
    ),
    "Epsilon too small": Preset(
        Experiment(eps=1e-12),
        "The two function values agree in almost all digits, and round-off eats their difference: fixed tolerances "
        "then call right code wrong.",
    ),
    "Epsilon too large": Preset(
        Experiment(eps=0.5),
        "The loss bends within the step, so the difference quotient is off by the truncation error.",
    ),
    "ReLU kink": Preset(
        Experiment(activation="ReLU", seed=5, eps=0.01),
        "Some steps carry a unit across its corner at zero, where the numerical value mixes two slopes.",
    ),
}

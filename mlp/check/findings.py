"""A finding: one fault of one layer, as a sentence that tells a person what to fix."""

from dataclasses import dataclass
from enum import StrEnum


class Certainty(StrEnum):
    """How sure a finding is, in the words that its sentence uses."""

    CERTAIN = "certainly"
    LIKELY = "very likely"
    POSSIBLE = "possibly"


@dataclass(frozen=True)
class Finding:
    """What is wrong with one layer.

    Attributes:
        layer: the layer's name ("fc2"), "loss", or "" for a network that is one layer.
        tensors: the gradients it shows in: "dW", "db", "dx", or "dy" of a loss.
        pattern: the name of the pattern, such as "sign flipped".
        measured: the pattern's measured value, such as "factor 2.000000".
        certainty: how sure it is.
        sentence: all of this for a person to read, ending in the line of algebra that would be right.
        algebra: that line alone.
    """

    layer: str
    tensors: tuple[str, ...]
    pattern: str
    measured: str
    certainty: Certainty
    sentence: str
    algebra: str

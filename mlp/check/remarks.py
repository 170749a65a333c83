"""What a check has to say about the code itself, apart from the numbers: each remark has a kind and a sentence."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is remarked on, in the words that a page can show as a label."""

    FLOAT32 = "float32 arithmetic"
    ROUNDED = "rounded numbers"
    INTEGERS = "integer array"
    INTEGER_GRADIENT = "integer gradient"
    NOT_FINITE = "NaN or infinity"
    WRONG_SHAPE = "wrong shape"
    RAISES = "raises an error"
    MISSING = "gradient never set"
    CHANGES_INPUT = "changes its input in place"
    CHANGES_PARAMETERS = "changes its parameters"
    NOT_REPEATABLE = "different when run twice"
    ACCUMULATES = "accumulates"
    TWO_FORWARDS = "forward and apply differ"


# These are worth knowing but nothing to repair.
_NOTES = frozenset({Kind.FLOAT32, Kind.ROUNDED, Kind.INTEGERS})


@dataclass(frozen=True)
class Remark:
    """One observation about a layer.

    Attributes:
        kind: what it is about.
        layer: the layer's name ("fc1"), "loss", or "" for a network that is one layer.
        sentence: what was seen and what to do, for a person to read.
    """

    kind: Kind
    layer: str
    sentence: str

    @property
    def is_fault(self) -> bool:
        """Whether the code has to be changed; otherwise the remark is a note."""
        return self.kind not in _NOTES

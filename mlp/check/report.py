"""What a check found: one TensorCheck for each tensor, and a GradientReport that maps names to them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlp.differences.methods import Method
from mlp.nn.arrays import Array

# np.allclose's defaults, with which the exercise compares.
RTOL = 1e-5
ATOL = 1e-8


@dataclass(frozen=True)
class TensorCheck:
    """The analytical and the numerical gradient of one tensor, compared entry by entry.

    Attributes:
        name: "fc1.W", or "x" for the input.
        analytical, numerical: gradients in the tensor's shape, in units of the loss per unit of the tensor.
    """

    name: str
    analytical: Array
    numerical: Array

    @cached_property
    def difference(self) -> Array:
        """The difference analytical - numerical."""
        return self.analytical - self.numerical

    @cached_property
    def relative_error(self) -> Array:
        """|a - n| / (|a| + |n|) for each entry, between 0 and 1; 0 where both are 0.

        Source: the CS231n course notes, "Gradient checks". Without meaning where a and n are themselves of the size
        of the numerical error.
        """
        total = np.abs(self.analytical) + np.abs(self.numerical)
        return np.divide(np.abs(self.difference), total, out=np.zeros_like(total), where=total != 0)

    @cached_property
    def tolerance_used(self) -> Array:
        """The part of what np.allclose allows, atol + rtol |n|, that |a - n| takes; NaN counts as infinite."""
        used = np.abs(self.difference) / (ATOL + RTOL * np.abs(self.numerical))
        return np.where(np.isnan(used), np.inf, used)

    @property
    def max_abs_difference(self) -> float:
        """The largest |a - n|, NaN if any entry is."""
        return float(np.max(np.abs(self.difference)))

    @property
    def max_relative_error(self) -> float:
        """The largest relative error of any entry, NaN if any is."""
        return float(np.max(self.relative_error))

    @property
    def passed(self) -> bool:
        """Whether np.allclose, with its defaults as in the exercise, holds for every entry."""
        return bool(np.allclose(self.analytical, self.numerical, rtol=RTOL, atol=ATOL))

    @property
    def worst(self) -> tuple[int, ...]:
        """The index of the entry that uses most of its tolerance."""
        return self.worst_entries(1)[0]

    def worst_entries(self, count: int) -> list[tuple[int, ...]]:
        """The indices of the `count` entries that use most of their tolerance, the worst first."""
        order = np.argsort(-self.tolerance_used, axis=None, kind="stable")[:count]
        return [tuple(int(i) for i in np.unravel_index(flat, self.analytical.shape)) for flat in order]


@dataclass(frozen=True)
class GradientReport(Mapping[str, TensorCheck]):
    """Every tensor's check by name, in the network's order with the input last, and what they add up to.

    Attributes:
        checks: the checks by tensor name; the report itself is this mapping.
        loss: the loss at which the gradients were taken.
        eps, method: the step and the method of the numerical gradients.
    """

    checks: Mapping[str, TensorCheck]
    loss: float
    eps: float
    method: Method

    def __getitem__(self, name: str) -> TensorCheck:
        """The check of one tensor."""
        return self.checks[name]

    def __iter__(self) -> Iterator[str]:
        """The tensors' names."""
        return iter(self.checks)

    def __len__(self) -> int:
        """The number of tensors."""
        return len(self.checks)

    @property
    def passed(self) -> bool:
        """Whether every tensor passed."""
        return all(check.passed for check in self.values())

    @property
    def worst(self) -> TensorCheck:
        """The tensor with the entry that uses most of its tolerance."""
        return max(self.values(), key=lambda check: float(np.max(check.tolerance_used)))

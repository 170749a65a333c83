"""Gradients from elsewhere beside all that they are compared with, as tables and CSV."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from mlp.check.entries import AXES, Columns, entry_columns
from mlp.check.given import Reference, against, against_analytical
from mlp.check.report import GradientReport
from mlp.check.tensor import TensorCheck
from mlp.differences.methods import COMPLEX_STEP
from mlp.nn.arrays import Array
from mlp.nn.network import Sequential
from mlp.nn.problem import Problem
from mlp.report.files import UploadError
from mlp.report.files.matching import Upload, match
from mlp.report.files.uploads import read_files
from mlp.report.numbers import entry
from mlp.report.tables import tensors

ANALYTICAL = "analytical"


class Compared(NamedTuple):
    """Given gradients beside numerical ones, those by complex step, and those of the network's own backward.

    Attributes:
        numerical: the check by the method and step of the settings; the verdict is taken from here.
        complex_step: the check by complex step, which has neither truncation nor round-off to speak of.
        analytical: each tensor's check with the network's own gradient as `numerical`.
    """

    numerical: GradientReport
    complex_step: GradientReport
    analytical: Mapping[str, TensorCheck]

    def beside(self, name: str) -> Mapping[str, TensorCheck]:
        """One tensor's checks by what it is held against, the numerical gradient first."""
        checks = {report.method.name: report[name] for report in (self.complex_step, self.numerical)}
        return {self.numerical.method.name: self.numerical[name], **checks, ANALYTICAL: self.analytical[name]}


def compared(numerical: Reference, complex_step: Reference, gradients: Mapping[str, Array]) -> Compared:
    """Hold gradients against all three."""
    analytical = against_analytical(numerical, gradients)
    return Compared(against(numerical, gradients), against(complex_step, gradients), analytical)


def read_upload(files: Mapping[str, bytes], problem: Problem[Sequential]) -> Upload:
    """The gradients of a problem's tensors from uploaded files.

    Raises:
        UploadError: a file cannot be used, something is missing or fits nothing, or what came is the problem itself.
    """
    values = problem.tensors()
    upload = match(read_files(files), {name: value.shape for name, value in values.items()})
    same = [name for name, gradient in upload.gradients.items() if np.array_equal(gradient, values[name])]
    if same:
        own = "the input itself" if same[0] == "x" else "the parameter itself"
        raise UploadError(f"What came as the gradient of {same[0]} is {own}, not its gradient.")
    return upload


def summary(compared: Compared, origins: Mapping[str, str]) -> pd.DataFrame:
    """One row for each tensor: where it was found, the verdict, and how far it is from all three."""
    return pd.DataFrame(
        [
            {
                "tensor": name,
                "found as": origins[name],
                "verdict": check.verdict.words,
                "worst entry": entry(name, check.worst),
                "its error bar": float(check.error_bar[check.worst]),
                **{f"off {title}": one.max_abs_difference for title, one in compared.beside(name).items()},
                f"by {COMPLEX_STEP.name}": compared.complex_step[name].verdict.words,
            }
            for name, check in compared.numerical.items()
        ]
    )


def worst_entries(compared: Compared, name: str) -> pd.DataFrame:
    """The entries of a tensor that differ most from the numerical gradient, for their error bars."""
    check = compared.numerical[name]
    others = {title: one.numerical for title, one in compared.beside(name).items()}
    return tensors.worst_entries(check, {"yours": check.analytical, **others})


def entries(compared: Compared, name: str) -> pd.DataFrame:
    """One row for each entry of a tensor; the columns are those of `_columns`."""
    return tensors.frame(_columns(compared, [name]))


def all_entries(compared: Compared) -> pd.DataFrame:
    """The entries of all tensors, one below the other."""
    return tensors.frame(_columns(compared, list(compared.numerical)))


def _columns(compared: Compared, names: Sequence[str]) -> Columns:
    """The columns of `mlp.check.entries`, where gradient is the one that was given, and those it is held against.

    That is analytical, of the network's own backward, numerical, and complex_step; difference is gradient - numerical.
    """
    checks = [compared.numerical[name] for name in names]
    columns = entry_columns(checks)
    given, numerical = columns.pop("analytical"), columns.pop("numerical")
    place = {name: columns.pop(name) for name in ("tensor", *AXES) if name in columns}
    ours = [value for name in names for value in compared.analytical[name].numerical.ravel().tolist()]
    steps = [value for name in names for value in compared.complex_step[name].numerical.ravel().tolist()]
    return place | {"gradient": given, "analytical": ours, "numerical": numerical, "complex_step": steps} | columns

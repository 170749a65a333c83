"""Checks as pandas tables, and tables as CSV that loses no bit.

Seventeen significant digits are enough to give back every float64 exactly; source: IEEE 754, and W. Kahan, "Lecture
notes on the status of IEEE 754" (1997).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mlp.check.entries import AXES, Columns, entry_columns
from mlp.check.jacobians import Flow
from mlp.check.report import GradientReport
from mlp.check.tensor import TensorCheck
from mlp.check.verdict import Verdict
from mlp.differences.derivatives import sample
from mlp.lab.lessons import counted
from mlp.nn.arrays import Array
from mlp.nn.network import Sequential
from mlp.nn.problem import Problem
from mlp.report.numbers import entry

WORST = 10  # entries in a table of those that differ most


def entries(check: TensorCheck) -> pd.DataFrame:
    """One row for each entry of a tensor; the columns are those of `mlp.check.entries`."""
    return frame(entry_columns([check]))


def all_entries(report: Mapping[str, TensorCheck]) -> pd.DataFrame:
    """The entries of all tensors, one below the other."""
    return frame(entry_columns(report.values()))


def frame(columns: Columns) -> pd.DataFrame:
    """Columns as a table in which indices stay whole numbers, though some are empty."""
    table = pd.DataFrame(columns)
    return table.astype(dict.fromkeys(table.columns.intersection([*AXES]), "Int64"))


def summary(report: Mapping[str, TensorCheck]) -> pd.DataFrame:
    """One row for each tensor: its verdict, how far its gradients differ, and what the fixed rules say of that."""
    rows = []
    for check in report.values():
        row = {
            "tensor": check.name,
            "verdict": check.verdict.words,
            "shape": str(check.analytical.shape),
            "worst entry": entry(check.name, check.worst),
            "its |difference|": abs(float(check.difference[check.worst])),
            "its error bar": float(check.error_bar[check.worst]),
        }
        rows.append(row | {name: reading.words for name, reading in check.judgements.items()})
    return pd.DataFrame(rows)


# A colour for each verdict, by the names that Streamlit's Markdown knows; the words always stand beside it.
COLORS = {
    Verdict.CONSISTENT: "green",
    Verdict.WRONG: "red",
    Verdict.CANNOT_TELL: "orange",
    Verdict.KINK_CROSSED: "violet",
}


def verdict_markdown(check: TensorCheck) -> str:
    """The verdict in words, with a colour of its own."""
    return f":{COLORS[check.verdict]}[{check.verdict.words}]"


def entry_names(name: str, shape: tuple[int, ...]) -> list[str]:
    """The names of a tensor's entries, row by row: W[0,0], W[0,1], ..."""
    return [entry(name, index) for index in np.ndindex(shape)]


def matrix_csv(values: Array) -> bytes:
    """A matrix as CSV: the row's number first, then a column for each of its columns."""
    columns = {str(j): values[:, j] for j in range(values.shape[1])}
    return to_csv(pd.DataFrame({"row": range(len(values)), **columns}))


def flow(jacobians: Flow, norms: Mapping[str, float]) -> pd.DataFrame:
    """One row for each layer: how its Jacobian stretches, and how large the gradient is that it hands back.

    The spectral norm is the largest singular value: no vector is stretched by more.
    """
    rows = []
    for name, values in jacobians.singular_values.items():
        rows.append(
            {
                "layer": name,
                "Jacobian": str(jacobians.layers[name].shape),
                "spectral norm": values[0],
                "smallest singular value": values[-1],
                "norm of dx": norms[name],
            }
        )
    return pd.DataFrame(rows)


def exercise_test(problem: Problem[Sequential], jacobians: Flow) -> pd.DataFrame:
    """The exercise's test_MLP: dx of dy = 1, 2, ... by backward, and by the numerical Jacobian of the first sample."""
    copy = problem.copied()
    y = copy.network.forward(copy.x if copy.x.ndim == 1 else copy.x[0])
    dy = counted(y.size)
    analytical, numerical = copy.network.backward(dy), dy @ jacobians.numerical
    return pd.DataFrame(
        {
            "entry": entry_names("dx", analytical.shape),
            "mlp.backward(dy)": analytical,
            "dy @ numerical_gradient(...)": numerical,
            "difference": analytical - numerical,
            "np.allclose": ["yes" if close else "no" for close in np.isclose(analytical, numerical)],
        }
    )


def worst_entries(check: TensorCheck, gradients: Mapping[str, Array] | None = None) -> pd.DataFrame:
    """The ten entries of a tensor that differ most for their error bars, the worst first.

    Args:
        check: of the tensor.
        gradients: the arrays beside their difference, by the heads of their columns; else the check's own two.
    """
    shown = gradients or {"analytical": check.analytical, "numerical": check.numerical}
    return pd.DataFrame(
        [
            {
                "entry": entry(check.name, index),
                **{title: float(values[index]) for title, values in shown.items()},
                "difference": float(check.difference[index]),
                "error bar": float(check.error_bar[index]),
                "verdict": Verdict(int(check.verdicts[index])).words,
            }
            for index in check.worst_entries(WORST)
        ]
    )


def worst_entries_with_losses(problem: Problem[Sequential], report: GradientReport, name: str) -> pd.DataFrame:
    """The worst entries of a tensor, with the values of the loss behind each numerical derivative."""
    check, tensor, function = report[name], problem.tensors()[name], problem.function(name)
    table = worst_entries(check)
    values = [sample(function, tensor, index, report.eps, report.method).values for index in check.worst_entries(WORST)]
    for offset, column in zip(report.method.offsets, zip(*values, strict=True), strict=True):
        table[f"c({offset_name(offset)})"] = [_exact(value.item()) for value in column]
    return table


def to_csv(table: pd.DataFrame) -> bytes:
    """The table as CSV in UTF-8, floats with 17 significant digits."""
    return table.to_csv(index=False, float_format="%.17g").encode()


def offset_name(offset: complex) -> str:
    """An offset as people write it: "+h", "-2h", "+ih", "0"."""
    number = complex(offset)
    size, unit = (number.imag, "ih") if number.imag else (number.real, "h")
    if size == 0:
        return "0"
    return f"{'+' if size > 0 else '-'}{'' if abs(size) == 1 else f'{abs(size):g}'}{unit}"


def _exact(value: complex) -> str:
    """All digits of a function value: what matters is in the last ones."""
    return f"{value:.17g}" if isinstance(value, float) else f"{value.real:.16g} {value.imag:+.17g}i"

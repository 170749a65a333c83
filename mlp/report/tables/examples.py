"""What the methods make of an example as pandas tables, for the page and as CSV."""

import numpy as np
import pandas as pd

from mlp.differences.derivatives import differentiate
from mlp.differences.estimates import MethodEstimate
from mlp.differences.examples import Example
from mlp.nn.arrays import Array
from mlp.report.numbers import brief
from mlp.report.tables.tensors import entry_names

NONE = "–"  # noqa: RUF001  # a dash for a number that there is not


def input_names(example: Example) -> list[str]:
    """The names of the entries that can be moved: x, or x[0], x[1], ..., or A[0,0], A[0,1], ..."""
    return entry_names(example.variable, example.point.shape) if example.point.size > 1 else [example.variable]


def output_names(example: Example) -> list[str]:
    """The names of the values of f: f, or f[0], f[1], ..."""
    return entry_names("f", (example.outputs,)) if example.outputs > 1 else ["f"]


def methods(results: list[MethodEstimate]) -> pd.DataFrame:
    """One row for each method: its name, order, evaluations of f, value with all digits, and error."""
    return pd.DataFrame(
        [
            {
                "method": result.method.name,
                "order": result.method.order,
                "evaluations": len(result.method.offsets),
                "value": NONE if np.isnan(result.value) else repr(result.value).removesuffix(".0"),
                "error": NONE if np.isnan(result.error) else brief(result.error),
            }
            for result in results
        ]
    )


def remarks(results: list[MethodEstimate]) -> str:
    """Why numbers are missing, as a Markdown list; empty if none is."""
    texts = dict.fromkeys(result.remark for result in results if result.remark)
    names = {text: ", ".join(result.method.name for result in results if result.remark == text) for text in texts}
    return "\n".join(f"- {names[text]}: {text}." for text in texts)


def methods_csv(results: list[MethodEstimate]) -> pd.DataFrame:
    """The same with numbers for a CSV: method, order, value, error, remark."""
    return pd.DataFrame(
        [
            {
                "method": result.method.name,
                "order": result.method.order,
                "value": result.value,
                "error": result.error,
                "remark": result.remark,
            }
            for result in results
        ]
    )


def jacobians(example: Example, x: Array, eps: float) -> dict[str, Array]:
    """The analytical and the central-difference Jacobian, both of shape (outputs, inputs)."""
    exact = example.jacobian(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        numerical = differentiate(example.function, x, eps).reshape(exact.shape)
    return {"analytical": exact, "numerical": numerical}


def entries(example: Example, x: Array, eps: float) -> pd.DataFrame:
    """One row for each derivative: output, input, analytical, numerical, difference."""
    exact, numerical = jacobians(example, x, eps).values()
    inputs, outputs = input_names(example), output_names(example)
    return pd.DataFrame(
        [
            {
                "output": outputs[i],
                "input": inputs[j],
                "analytical": exact[i, j],
                "numerical": numerical[i, j],
                "difference": exact[i, j] - numerical[i, j],
            }
            for i, j in np.ndindex(exact.shape)
        ]
    )

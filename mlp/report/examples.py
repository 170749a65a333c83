"""What the methods make of an example as pandas tables, for the page and as CSV."""

import numpy as np
import pandas as pd

from mlp.differences.derivatives import numerical_gradient
from mlp.differences.estimates import Estimate
from mlp.differences.examples import Example
from mlp.nn.arrays import Array
from mlp.report.numbers import brief
from mlp.report.tables import entry_names


def methods(results: list[Estimate]) -> pd.DataFrame:
    """One row for each method: its name, order, value with all digits, error, and a remark where one is due."""
    return pd.DataFrame(
        [
            {
                "method": result.method.name,
                "order": result.method.order,
                "evaluations of f": len(result.method.offsets),
                "value": "" if np.isnan(result.value) else repr(result.value),
                "error": result.remark if np.isnan(result.error) else brief(result.error),
            }
            for result in results
        ]
    )


def methods_csv(results: list[Estimate]) -> pd.DataFrame:
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
        numerical = numerical_gradient(example.function, x, eps).reshape(exact.shape)
    return {"analytical": exact, "numerical": numerical}


def entries(example: Example, x: Array, eps: float) -> pd.DataFrame:
    """One row for each derivative: output, input, analytical, numerical, difference."""
    exact, numerical = jacobians(example, x, eps).values()
    inputs = entry_names(example.variable, x.shape)
    return pd.DataFrame(
        [
            {
                "output": f"f[{i}]" if example.outputs > 1 else "f",
                "input": inputs[j],
                "analytical": exact[i, j],
                "numerical": numerical[i, j],
                "difference": exact[i, j] - numerical[i, j],
            }
            for i, j in np.ndindex(exact.shape)
        ]
    )

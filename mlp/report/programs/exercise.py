"""The tests of exercise 2.1 with a page's numbers: cells for a notebook that has its classes and functions.

The names are the exercise's, which `mlp` has too, so a cell runs after `from mlp import *` as it does in the notebook.
An activation, loss or network that the exercise does not have gives no cell.
"""

from mlp.lab.experiment import Experiment
from mlp.lab.lessons import LinearProblem
from mlp.nn.arrays import Array
from mlp.report.programs.writing import array, lines

# What each cell ends with: both sides, and the exercise's own demand.
_COMPARED = "print({0}, {1}, sep='\\n')\nassert np.allclose({0}, {1}), 'Analytical and numerical results differ'"


def loss(name: str, y: Array, target: Array) -> str:
    """Section 1: the gradient of MSELoss with respect to y; "" for another loss."""
    if name != "MSELoss":
        return ""
    return _cell(
        array("y", y),
        array("target", target),
        "loss = MSELoss()",
        "c = loss.forward(y, target)",
        "dy = loss.backward()",
        "dy_num = numerical_gradient(lambda y: loss.forward(y, target), y)[0]",
        _COMPARED.format("dy", "dy_num"),
    )


def activation(name: str, x: Array, dy: Array) -> str:
    """Section 2: backward through Tanh, of whose Jacobian only the diagonal counts; "" for another activation."""
    if name != "Tanh":
        return ""
    return _cell(
        array("x", x),
        array("dy", dy),
        "act_fn = Tanh()",
        "act_fn.forward(x)",
        "dx = act_fn.backward(dy)",
        "dx_num = dy * np.diag(numerical_gradient(Tanh().forward, x))",
        _COMPARED.format("dx", "dx_num"),
    )


def linear(problem: LinearProblem) -> str:
    """Section 3: all three gradients of linear_forward, that of W by the reshaping trick."""
    rows, columns = problem.W.shape
    shape = f"{rows}, {columns}"
    return _cell(
        array("x", problem.x),
        array("W", problem.W),
        array("b", problem.b),
        array("dy", problem.dy),
        "dx, dW, db = linear_backward(dy, x, W, b)",
        "dx_num = dy @ numerical_gradient(lambda x: linear_forward(x, W, b), x)",
        f"dW_num = numerical_gradient(lambda w: linear_forward(x, w.reshape({shape}), b), W.flatten())",
        f"dW_num = (dy @ dW_num).reshape({shape})",
        "db_num = dy @ numerical_gradient(lambda b: linear_forward(x, W, b), b)",
        *(_COMPARED.format(name, f"{name}_num") for name in ("dx", "dW", "db")),
    )


def network(experiment: Experiment) -> str:
    """Section 4: the whole MLP with dy = 1, 2, ...; "" for a network that the exercise's class cannot be."""
    plain = Experiment(sizes=experiment.sizes, seed=experiment.seed, loss=experiment.loss)
    same = {**plain.settings(), "eps": experiment.eps, "method": experiment.method} == experiment.settings()
    if len(experiment.sizes) != 4 or not same:
        return ""
    return _cell(
        f"np.random.seed({experiment.seed})",
        f"mlp = MLP({', '.join(map(str, experiment.sizes))})",
        f"x = np.random.randn({experiment.sizes[0]})",
        "y = mlp.forward(x)",
        f"dy = np.arange(1, {experiment.sizes[-1] + 1})",
        "dx = mlp.backward(dy)",
        "dx_num = dy @ numerical_gradient(lambda x: mlp.forward(x), x)",
        _COMPARED.format("dx", "dx_num"),
    )


def _cell(*statements: str) -> str:
    return lines(statements) + "\n"

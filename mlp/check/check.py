"""The check itself: one forward and one backward pass against differences of the loss, with error bars for both."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.compare import compare_gradients
from mlp.check.diagnosis.diagnose import diagnose
from mlp.check.passes import run_passes
from mlp.check.projection import Projection, random_dy, with_apply
from mlp.check.report import Finding, GradientReport
from mlp.check.verdict import Verdict
from mlp.differences.methods import CENTRAL, Method, as_method
from mlp.differences.parallel import Progress
from mlp.nn.arrays import Array, as_array, as_real, require_methods
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss
from mlp.nn.problem import Problem, as_problem, copied


def check_gradients(
    network: Layer,
    loss: Loss,
    x: ArrayLike,
    target: ArrayLike,
    eps: float = 1e-4,
    method: str | Method = CENTRAL,
    progress: Progress | None = None,
) -> GradientReport:
    """Compare the gradients that `backward` computes with numerical ones, for every parameter and the input.

    The numerical side is computed in float64 even where the network's arrays are float32 or integers.

    Args:
        network: a layer or network; only copies of it are run, so that what its layers keep stays as it is.
        loss: a loss.
        x: input of shape (features,) or (n, features).
        target: what the loss takes for that input.
        eps: the step of the numerical gradients, positive.
        method: a method or the name of one in METHODS.
        progress: called now and then with the fraction of the numerical work that is done; it may raise to break off.

    Raises:
        ValueError, TypeError: a shape, type, step or method is wrong, or the network cannot be copied; the message
            says which and what fits.
    """
    problem = as_problem(network, loss, x, target).copied()
    report = compare_gradients(problem, eps, as_method(method), progress)
    return replace(report, diagnose=_Diagnosis(problem))


def analytical_gradients(network: Layer, loss: Loss, x: ArrayLike, target: ArrayLike) -> tuple[float, dict[str, Array]]:
    """One forward and one backward pass of a copy: the loss, and its gradient by tensor name, the input's last as "x".

    Arguments and errors raised are those of `check_gradients`.
    """
    problem = as_problem(network, loss, x, target).copied()
    passes = run_passes(problem)
    return passes.value, {name: passes.gradients[name] for name in problem.tensors()}


@dataclass(frozen=True)
class _Diagnosis:
    """The diagnosis of a report, for when it is asked for."""

    problem: Problem[Layer]

    def __call__(self, report: GradientReport) -> tuple[Finding, ...]:
        wrong = any(check.verdict is Verdict.WRONG for check in report.values())
        return diagnose(self.problem, report.remarks, wrong)


def check_layer(
    layer: Layer,
    x: ArrayLike,
    dy: ArrayLike | None = None,
    eps: float = 1e-4,
    method: str | Method = CENTRAL,
) -> GradientReport:
    """Check one layer's backward: dx and the gradients of its parameters, of the number c = sum(dy * y).

    Args:
        layer: an object with `forward`, `backward`, `parameters`, `gradients` and `replaced` as `Layer` has them;
            without an `apply`, a copy's `forward` takes its place.
        x: an input that the layer takes.
        dy: the gradient with respect to its output, in the shape of y; None for random numbers, the same each time.
        eps: the step of the numerical gradients, positive.
        method: a method or the name of one in METHODS.

    Raises:
        ValueError, TypeError: a shape, type, step or method is wrong; the message says which and what fits.
    """
    require_methods("layer", layer, "a layer, such as Tanh()", "forward", "backward", "parameters")
    applicable = with_apply(layer)
    dy = None if dy is None else as_array("dy", dy)
    if dy is None:
        dy = random_dy(np.shape(copied(applicable).apply(as_real("x", x))))
    return check_gradients(applicable, Projection(), x, dy, eps, method)

"""Checking an object, a class or a function from Python: in a notebook, in a test."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.passes import Remark, RemarkKind
from mlp.check.report import GradientReport
from mlp.nn.arrays import as_real, require_function
from mlp.nn.layers import Layer
from mlp.user_code.check import CaseResult, conclude, examine
from mlp.user_code.interpret.samples import Layout
from mlp.user_code.interpret.search import read_object
from mlp.user_code.interpret.trial import Candidate, attempt
from mlp.user_code.load.classes import kind_of
from mlp.user_code.load.discovery import Case
from mlp.user_code.messages import ForeignError, place_of
from mlp.user_code.run.conditions import kept_randomness
from mlp.user_code.run.gradient_check import diagnosed, report_on
from mlp.user_code.run.subject import Subject
from mlp.user_code.settings import override_of


def check_layer(
    layer: Any,
    x: ArrayLike | None = None,
    dy: ArrayLike | None = None,
    eps: float = 1e-4,
    method: str = "central",
    **settings: Any,
) -> GradientReport:
    """Check any object, or class, that goes forward and backward.

    Args:
        layer: one of our layers, an object of anybody's class, or the class itself.
        x: an input; without one, random ones of several layouts are tried.
        dy: the gradient that backward starts from, in the shape of the output; random without one.
        eps: step of the numerical derivatives.
        method: a name in METHODS.
        **settings: what GRADCHECK takes: pairs={"W": "dW"}, target=..., and so on.

    Raises:
        ForeignError: it could not be checked, or something is wrong that no comparison shows; the message says what.

    Warnings and notes on the code, such as a forward that changes its input in place, are among the report's remarks.
    """
    result = examine_object(layer, x, dy, eps, method, **settings)
    if result.problems or result.report is None:
        raise ForeignError((result.problems or result.facts)[0])
    heard = (
        Remark(RemarkKind.UNCHECKED if fact.level == "unchecked" else RemarkKind.READ, "", fact.sentence)
        for fact in result.facts
    )
    return replace(result.report, remarks=(*result.report.remarks, *heard))


@kept_randomness()
def examine_object(
    layer: Any,
    x: ArrayLike | None = None,
    dy: ArrayLike | None = None,
    eps: float = 1e-4,
    method: str = "central",
    **settings: Any,
) -> CaseResult:
    """As `check_layer`, with everything that was found out about the code, and nothing raised about it."""
    cls = layer if inspect.isclass(layer) else type(layer)
    override = override_of(settings, cls.__name__)
    kind = kind_of(cls, override)
    if x is not None and not isinstance(layer, Layer):
        override = replace(override, x=as_real("x", x).copy())
    module = sys.modules.get(cls.__module__)
    case = Case(cls.__name__, kind.kind if kind else "layer", cls, None, *place_of(cls), module, override)
    if isinstance(layer, Layer):
        report = diagnosed(report_on(layer, as_real("x", [] if x is None else x), dy, eps, method))
        return CaseResult(case.name, case.kind, case.file, case.line, report=report)
    if inspect.isclass(layer):
        return examine(case, eps, method, dy)
    try:
        tried = read_object(layer, case)
    except ForeignError as error:
        return CaseResult(case.name, case.kind, case.file, case.line, facts=(error.fact,))
    return conclude(case, tried, dy, eps, method)


def check_function(
    fun: Callable[..., ArrayLike],
    grad: Callable[..., ArrayLike],
    x: ArrayLike,
    eps: float = 1e-4,
    method: str = "central",
) -> GradientReport:
    """Check a function of one array against the function that computes its gradient.

    Args:
        fun: takes an array in the shape of x and returns a number or an array.
        grad: of a number, the gradient in the shape of x; of an array, the derivative entry by entry in the shape of
            both, or the Jacobian (output.size, x.size).
        x: where to compare.
        eps: step of the numerical derivatives.
        method: a name in METHODS.

    Raises:
        ForeignError: one of them raised, or the shapes do not fit.
    """
    require_function("fun", fun)
    require_function("grad", grad)
    x = as_real("x", x)
    name = getattr(fun, "__name__", "fun")
    subject = Subject(name, _unnamed(fun), (_unnamed(grad),), first="x", pass_on="input")
    layout = Layout(f"as given, shape {x.shape}", "", x.shape, False)
    scalar = np.ndim(np.asarray(fun(x.copy()))) == 0
    tried = attempt(Candidate(subject, x, layout, "value" if scalar else ""))
    result = conclude(Case(name, "function", fun, grad, *place_of(fun)), tried, None, eps, method)
    if result.problems or result.report is None:
        raise ForeignError((result.problems or result.facts)[0])
    return result.report


def _unnamed(function: Callable[..., ArrayLike]) -> Callable[[Any], ArrayLike]:
    """The same function with an argument `x`: built-in ones do not say how theirs is called."""

    def called(x: Any) -> ArrayLike:
        return function(x)

    called.__name__ = getattr(function, "__name__", "function")
    return called

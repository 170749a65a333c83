"""For a test suite: one line that fails with a message that says what is wrong with a backward pass."""

from typing import Any

from numpy.typing import ArrayLike

from mlp.user_code.api import examine_object
from mlp.user_code.tell.text import failure_text


def assert_gradients(
    layer: Any,
    x: ArrayLike | None = None,
    dy: ArrayLike | None = None,
    eps: float = 1e-4,
    method: str = "central",
    **settings: Any,
) -> None:
    """Assert that the backward pass of an object, or of a class, is the derivative of its forward pass.

    Args:
        layer: any object with forward and backward, under whatever names; or its class.
        x: an input; without one, random ones of several layouts are tried.
        dy: the gradient that backward starts from; random without one.
        eps: step of the numerical derivatives.
        method: a name in METHODS.
        **settings: what GRADCHECK takes: pairs={"W": "dW"}, target=..., and so on.

    Raises:
        AssertionError: a gradient is wrong, or the check could not be made; the message has the verdict, the worst
            entries and the place in the code.
    """
    __tracebackhide__ = True
    result = examine_object(layer, x, dy, eps, method, **settings)
    if not result.passed:
        raise AssertionError(failure_text(result))

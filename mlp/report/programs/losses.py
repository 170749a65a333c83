"""Programs for one loss alone: its value and its gradient with respect to y."""

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from mlp.differences.methods import METHODS
from mlp.nn.losses import LOSSES
from mlp.report.programs.catalogue import LOSSES as FORMULAS
from mlp.report.programs.languages import JAX, MLP, NUMPY, TORCH, Programs, offered
from mlp.report.programs.numerics import numerical_gradient
from mlp.report.programs.passes import with_helpers
from mlp.report.programs.writing import PRINT_ALL, array, function, lines, program, shown, step


def loss(name: str, y: ArrayLike, target: ArrayLike, eps: float, method: str) -> Programs:
    """Programs that print a loss and its gradient; mlp and numpy print the numerical gradient, too.

    Args:
        name: in LOSSES.
        y: output of shape (features,) or (n, features).
        target: what the loss takes for it.
        eps: the step of the numerical gradient.
        method: a name in METHODS.

    Raises:
        ValueError, TypeError: the target does not fit y.
    """
    outputs = np.asarray(y, dtype=float)
    given = f"{array('y', outputs)}\n{array('target', LOSSES[name]().as_target(target, outputs))}"
    writers = {
        NUMPY: partial(_numpy, name, given, eps, method),
        TORCH: partial(_torch, name, given),
        JAX: partial(_jax, name, given),
    }
    return {MLP: _mlp(name, given, eps, method)} | offered(writers, loss=name)


def _mlp(name: str, given: str, eps: float, method: str) -> str:
    return program(
        f"import numpy as np\n\nfrom mlp import LOSSES, numerical_gradient\n\n{PRINT_ALL}",
        given,
        f'loss = LOSSES["{name}"]()\n'
        "c = loss.forward(y, target)\n"
        "dy = loss.backward()\n"
        f"numerical = numerical_gradient(lambda y: loss.apply(y, target), y, eps={step(eps)}, "
        f'method="{method}")',
        _printed("c", "dy", "numerical.reshape(y.shape)"),
    )


def _numpy(name: str, given: str, eps: float, method: str) -> str:
    formula = FORMULAS[name]
    return program(
        NUMPY.header,
        given,
        *with_helpers(
            [
                function("loss(y, target)", f"The loss, {name}", formula.numpy),
                function("gradient(y, target)", "Its derivative with respect to y", formula.derivative),
            ],
            METHODS[method].is_complex,
        ),
        *numerical_gradient(method),
        f"numerical = numerical_gradient(lambda y: loss(y, target), y, eps={step(eps)})",
        _printed("loss(y, target)", "gradient(y, target)", "numerical"),
    )


def _torch(name: str, given: str) -> str:
    return program(
        TORCH.header,
        given,
        "y = torch.tensor(y, requires_grad=True)\n"
        "target = torch.tensor(target)\n"
        f"c = {FORMULAS[name].torch}\n"
        "c.backward()",
        _printed("c.item()", "y.grad.numpy()"),
    )


def _jax(name: str, given: str) -> str:
    return program(
        JAX.header,
        given,
        function("loss(y)", f"The loss, {name}", FORMULAS[name].jax),
        "c, dy = jax.value_and_grad(loss)(y)",
        _printed("c", "np.asarray(dy)"),
    )


def _printed(c: str, dy: str, numerical: str = "") -> str:
    return lines(
        [
            f'print("loss:", {c})',
            shown("analytical gradient", dy),
            *([shown("numerical gradient", numerical)] if numerical else []),
        ]
    )

"""Programs for one activation alone: its value, its Jacobian, and the vector-Jacobian product dx = dy J."""

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from mlp.differences.methods import METHODS
from mlp.lab.lessons import activation_input
from mlp.report.programs.catalogue import ACTIVATIONS
from mlp.report.programs.languages import JAX, MLP, NUMPY, TORCH, Programs, offered
from mlp.report.programs.numerics import numerical_jacobian
from mlp.report.programs.passes import numpy_activation, with_helpers
from mlp.report.programs.writing import PRINT_ALL, array, function, lines, program, shown, step


def activation(name: str, x: ArrayLike, dy: ArrayLike, eps: float, method: str, seed: int | None = None) -> Programs:
    """Programs that print y = f(x), dx and the Jacobian; mlp and numpy print the numerical ones, too.

    Args:
        name: in ACTIVATIONS.
        x: input of shape (features,).
        dy: the gradient that comes back, in the shape of x.
        eps: the step of the numerical Jacobian.
        method: a name in METHODS.
        seed: where this seed draws x, the program draws it as well; else its numbers are written in.
    """
    given = f"{_input(np.asarray(x, dtype=float), seed)}\n{array('dy', np.asarray(dy, dtype=float))}"
    writers = {
        NUMPY: partial(_numpy, name, given, eps, method),
        TORCH: partial(_torch, name, given),
        JAX: partial(_jax, name, given),
    }
    return {MLP: _mlp(name, given, eps, method)} | offered(writers, activation=name)


def _input(x: np.ndarray[tuple[int, ...], np.dtype[np.float64]], seed: int | None) -> str:
    if seed is not None and np.array_equal(x, activation_input(seed, x.size).x):
        return f"np.random.seed({seed})\nx = np.random.randn({x.size})"
    return array("x", x)


def _mlp(name: str, given: str, eps: float, method: str) -> str:
    return program(
        f"import numpy as np\n\nfrom mlp import ACTIVATIONS, jacobian\n\n{PRINT_ALL}",
        given,
        f'layer = ACTIVATIONS["{name}"]()\n'
        "y = layer.forward(x)\n"
        "dx = layer.backward(dy)\n"
        f'J = jacobian(layer, x, eps={step(eps)}, method="{method}")',
        _printed("y", "dx", "np.diag(layer.derivative(x))"),
        _PRINTED_NUMERICAL,
    )


def _numpy(name: str, given: str, eps: float, method: str) -> str:
    is_complex = METHODS[method].is_complex
    return program(
        NUMPY.header,
        given,
        *with_helpers(numpy_activation(name), is_complex),
        *numerical_jacobian(method),
        f"J = numerical_jacobian(f, x, eps={step(eps)})",
        _printed("f(x)", "dy * df(x)", "np.diag(df(x))"),
        _PRINTED_NUMERICAL,
    )


def _torch(name: str, given: str) -> str:
    return program(
        TORCH.header,
        given,
        "x = torch.tensor(x, requires_grad=True)",
        function("f(z)", f"The activation, {name}", ACTIVATIONS[name].torch),
        "y = f(x)\n(dx,) = torch.autograd.grad(y, x, torch.tensor(dy))\nJ = torch.autograd.functional.jacobian(f, x)",
        _printed("y.detach().numpy()", "dx.numpy()", "J.numpy()"),
    )


def _jax(name: str, given: str) -> str:
    return program(
        JAX.header,
        given,
        function("f(z)", f"The activation, {name}", ACTIVATIONS[name].jax),
        "y, backward = jax.vjp(f, x)\n(dx,) = backward(dy)\nJ = jax.jacobian(f)(x)",
        _printed("np.asarray(y)", "np.asarray(dx)", "np.asarray(J)"),
    )


def _printed(y: str, dx: str, jacobian: str) -> str:
    return lines([shown("y", y), shown("dx", dx), shown("Jacobian dy/dx", jacobian)])


_PRINTED_NUMERICAL = lines([shown("numerical dx", "dy @ J"), shown("numerical Jacobian dy/dx", "J")])

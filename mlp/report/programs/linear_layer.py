"""Programs for one linear layer alone: y = W x + b, its three Jacobians and its three gradients."""

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from mlp.lab.lessons import linear_problem
from mlp.nn.arrays import Array
from mlp.report.programs.languages import JAX, MLP, NUMPY, TORCH, Programs, offered
from mlp.report.programs.numerics import numerical_jacobian
from mlp.report.programs.writing import PRINT_ALL, array, lines, program, shown, step


def linear(
    W: ArrayLike, x: ArrayLike, b: ArrayLike, dy: ArrayLike, eps: float, method: str, seed: int | None = None
) -> Programs:
    """Programs that print y, dx, dW, db and the Jacobians; mlp and numpy print the numerical ones, too.

    Args:
        W: weights of shape (outputs, inputs).
        x: input of shape (inputs,).
        b: bias of shape (outputs,).
        dy: the gradient that comes back, of shape (outputs,).
        eps: the step of the numerical Jacobians.
        method: a name in METHODS.
        seed: where this seed draws x, W and b, the program draws them as well; else their numbers are written in.
    """
    weights, inputs, bias, back = (np.asarray(values, dtype=float) for values in (W, x, b, dy))
    given = f"{_given(weights, inputs, bias, seed)}\n{array('dy', back)}"
    shape = f"{weights.shape[0]}, {weights.shape[1]}"
    writers = {
        NUMPY: partial(_numpy, given, shape, eps, method),
        TORCH: partial(_torch, given),
        JAX: partial(_jax, given),
    }
    return {MLP: _mlp(given, shape, eps, method)} | offered(writers)


def _given(W: Array, x: Array, b: Array, seed: int | None) -> str:
    outputs, inputs = W.shape
    if seed is not None:
        drawn = linear_problem(seed, inputs, outputs)
        if all(map(np.array_equal, (W, x, b), (drawn.W, drawn.x, drawn.b))):
            return (
                f"np.random.seed({seed})\n"
                f"x = np.random.randn({inputs})\n"
                f"W = np.random.randn({outputs}, {inputs})\n"
                f"b = np.random.randn({outputs})"
            )
    return lines([array("x", x), array("W", W), array("b", b)])


def _mlp(given: str, shape: str, eps: float, method: str) -> str:
    settings = f'eps={step(eps)}, method="{method}"'
    return program(
        "import numpy as np\n\n"
        "from mlp import Linear, linear_forward, numerical_gradient\n"
        f"from mlp.nn.trace import jacobians_by_backward\n\n{PRINT_ALL}",
        given,
        "layer = Linear(in_features=W.shape[1], out_features=W.shape[0])\n"
        "layer.W, layer.b = W, b\n"
        "y = layer.forward(x)\n"
        "dx = layer.backward(dy)\n"
        "dW, db = layer.grad_W, layer.grad_b\n"
        "jacobians = jacobians_by_backward(layer, x)  # row by row, from dy = (1, 0, ...), (0, 1, ...), ...",
        lines(
            [
                f"J_x = numerical_gradient(lambda x: linear_forward(x, W, b), x, {settings})",
                f"fun = lambda w: linear_forward(x, w.reshape({shape}), b)  # the reshaping trick",
                f"J_W = numerical_gradient(fun, W.flatten(), {settings})",
                f"J_b = numerical_gradient(lambda b: linear_forward(x, W, b), b, {settings})",
            ]
        ),
        _printed("{}"),
        _printed_jacobians('jacobians["x"]', 'jacobians["W"]', 'jacobians["b"]'),
        _printed_numerical(shape),
    )


def _numpy(given: str, shape: str, eps: float, method: str) -> str:
    return program(
        NUMPY.header,
        given,
        "def linear(x, W, b):\n    return W @ x + b",
        "y = linear(x, W, b)\ndx, dW, db = dy @ W, np.outer(dy, x), dy",
        *numerical_jacobian(method),
        lines(
            [
                f"J_x = numerical_jacobian(lambda x: linear(x, W, b), x, eps={step(eps)})",
                f"fun = lambda w: linear(x, w.reshape({shape}), b)  # the reshaping trick",
                f"J_W = numerical_jacobian(fun, W.flatten(), eps={step(eps)})",
                f"J_b = numerical_jacobian(lambda b: linear(x, W, b), b, eps={step(eps)})",
            ]
        ),
        _printed("{}"),
        _printed_jacobians("W", "np.kron(np.eye(len(b)), x)", "np.eye(len(b))"),
        _printed_numerical(shape),
    )


def _torch(given: str) -> str:
    return program(
        TORCH.header,
        given,
        "x, W, b = (torch.tensor(values, requires_grad=True) for values in (x, W, b))\n"
        "y = F.linear(x, W, b)\n"
        "dx, dW, db = torch.autograd.grad(y, (x, W, b), torch.tensor(dy))\n"
        "J_x, J_W, J_b = torch.autograd.functional.jacobian(F.linear, (x, W, b))",
        _printed("{}.detach().numpy()"),
        _printed_jacobians("J_x.numpy()", "J_W.flatten(1).numpy()", "J_b.numpy()"),
    )


def _jax(given: str) -> str:
    return program(
        JAX.header,
        given,
        "def linear(x, W, b):\n    return W @ x + b",
        "y, backward = jax.vjp(linear, x, W, b)\n"
        "dx, dW, db = backward(dy)\n"
        "J_x, J_W, J_b = jax.jacobian(linear, argnums=(0, 1, 2))(x, W, b)",
        _printed("np.asarray({})"),
        _printed_jacobians("np.asarray(J_x)", "np.asarray(J_W).reshape(len(b), -1)", "np.asarray(J_b)"),
    )


def _printed(form: str) -> str:
    return lines(shown(name, form.format(name)) for name in ("y", "dx", "dW", "db"))


def _printed_jacobians(by_x: str, by_w: str, by_b: str) -> str:
    return lines(shown(f"Jacobian dy/d{name}", J) for name, J in (("x", by_x), ("W", by_w), ("b", by_b)))


def _printed_numerical(shape: str) -> str:
    products = (("dx", "dy @ J_x"), ("dW", f"(dy @ J_W).reshape({shape})"), ("db", "dy @ J_b"))
    return lines(
        [
            *(shown(f"numerical {name}", product) for name, product in products),
            *(shown(f"numerical Jacobian dy/d{name}", f"J_{name}") for name in ("x", "W", "b")),
        ]
    )

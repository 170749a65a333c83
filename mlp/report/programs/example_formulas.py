"""The example functions in numpy, PyTorch and JAX, by their names in mlp.differences.examples.EXAMPLES.

The argument is called as in the example, x or A. An example that lacks an entry is offered in mlp alone.
"""

from typing import NamedTuple


class ExampleFormulas(NamedTuple):
    """One function in three languages, with its Jacobian of shape (outputs, inputs) in numpy.

    `constants` is a line that all three need first.
    """

    numpy: str
    jacobian: str
    torch: str
    jax: str
    constants: str = ""


EXAMPLE_FORMULAS: dict[str, ExampleFormulas] = {
    "sum of squares": ExampleFormulas("np.sum(x * x)", "2 * x.reshape(1, -1)", "torch.sum(x * x)", "jnp.sum(x * x)"),
    "cubic": ExampleFormulas("x**3", "3 * x.reshape(1, 1) ** 2", "x**3", "x**3"),
    "sine": ExampleFormulas("np.sin(x)", "np.cos(x).reshape(1, 1)", "torch.sin(x)", "jnp.sin(x)"),
    "exponential": ExampleFormulas("np.exp(x)", "np.exp(x).reshape(1, 1)", "torch.exp(x)", "jnp.exp(x)"),
    "pole": ExampleFormulas("1 / x", "-1 / x.reshape(1, 1) ** 2", "1 / x", "1 / x"),
    "absolute value": ExampleFormulas(
        "np.abs(x)",
        "np.where(x == 0, np.nan, np.sign(x)).reshape(1, 1)",
        "torch.abs(x)",
        "jnp.abs(x)",
    ),
    "polar coordinates": ExampleFormulas(
        "np.array([x[0] * np.cos(x[1]), x[0] * np.sin(x[1])])",
        "np.array([[np.cos(x[1]), -x[0] * np.sin(x[1])], [np.sin(x[1]), x[0] * np.cos(x[1])]])",
        "torch.stack([x[0] * torch.cos(x[1]), x[0] * torch.sin(x[1])])",
        "jnp.array([x[0] * jnp.cos(x[1]), x[0] * jnp.sin(x[1])])",
    ),
    "matrix input": ExampleFormulas(
        "np.sin(A @ v)",
        "np.kron(np.eye(len(A)), v) * np.cos(A @ v)[:, None]",
        "torch.sin(A @ torch.tensor(v))",
        "jnp.sin(A @ v)",
        constants="v = np.array([1.0, 2.0, 3.0])",
    ),
}

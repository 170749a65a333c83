"""Programs that differentiate an example function: by its formula, and by every method with the same step."""

import numpy as np
from numpy.typing import ArrayLike

from mlp.differences.examples import Example
from mlp.differences.methods import METHODS
from mlp.report.programs.catalogue import CONSTANTS, EXAMPLES, Formula
from mlp.report.programs.languages import JAX, MLP, NUMPY, TORCH, Programs
from mlp.report.programs.numerics import difference, method_table
from mlp.report.programs.writing import PRINT_ALL, array, folded, function, lines, program, shown, step


def finite_differences(example: Example, x: ArrayLike, eps: float) -> Programs:
    """Programs that print f(x) and its Jacobian; mlp and numpy print it by every method that applies, too.

    Args:
        example: one of EXAMPLES.
        x: where, in the shape of the example's point.
        eps: the step.
    """
    point = np.asarray(x, dtype=float)
    # |x| returns real numbers for complex ones: no complex step there.
    takes_complex = np.iscomplexobj(example.function(point.astype(complex)))
    methods = [name for name, method in METHODS.items() if takes_complex or not method.is_complex]
    given = array(example.variable, point)
    programs = {MLP: _mlp(example, given, eps, methods)}
    formulas = EXAMPLES.get(example.name)
    if formulas:
        given = lines([CONSTANTS.get(example.name, ""), given]).lstrip()
        programs[NUMPY.label] = _numpy(example.variable, formulas, given, eps, methods)
        programs[TORCH.label] = _torch(example.variable, formulas, given)
        programs[JAX.label] = _jax(example.variable, formulas, given)
    return programs


def _mlp(example: Example, given: str, eps: float, methods: list[str]) -> str:
    x = example.variable
    return program(
        "import numpy as np\n\n"
        "from mlp import numerical_gradient\n"
        f"from mlp.differences.examples import EXAMPLES\n\n{PRINT_ALL}",
        f'example = EXAMPLES["{example.name}"]\n{given}',
        _shown_exact(x, f"example.function({x})", f"example.jacobian({x})"),
        folded("for method in [", (f'"{name}"' for name in methods), "]:")
        + f"\n    J = numerical_gradient(example.function, {x}, eps={step(eps)}, method=method)\n"
        + f"    {shown('numerical Jacobian, {method}', 'J.reshape(example.outputs, -1)', 'f')}",
    )


def _numpy(x: str, formulas: Formula, given: str, eps: float, methods: list[str]) -> str:
    any_complex = any(METHODS[name].is_complex for name in methods)
    return program(
        NUMPY.header,
        given,
        function(f"f({x})", "The function", formulas.numpy),
        function(f"jacobian({x})", "Its derivatives by formula, a row for each output", formulas.derivative),
        difference(any_complex),
        method_table(methods),
        _shown_exact(x, f"f({x})", f"jacobian({x})"),
        lines(
            [
                "for name, (offsets, weights) in methods.items():",
                f"    columns = [difference(f, {x}, i, {step(eps)}, offsets, weights) for i in np.ndindex({x}.shape)]",
                f"    {shown('numerical Jacobian, {name}', f'np.reshape(columns, ({x}.size, -1)).T', 'f')}",
            ]
        ),
    )


def _torch(x: str, formulas: Formula, given: str) -> str:
    return program(
        TORCH.header,
        given,
        f"{x} = torch.tensor({x})",
        function(f"f({x})", "The function", formulas.torch),
        f"J = torch.autograd.functional.jacobian(f, {x}).reshape(-1, {x}.numel())",
        _shown_exact(x, f"f({x}).numpy()", "J.numpy()"),
    )


def _jax(x: str, formulas: Formula, given: str) -> str:
    return program(
        JAX.header,
        given,
        function(f"f({x})", "The function", formulas.jax),
        f"J = jax.jacobian(f)({x}).reshape(-1, {x}.size)",
        _shown_exact(x, f"np.asarray(f({x}))", "np.asarray(J)"),
    )


def _shown_exact(x: str, value: str, jacobian: str) -> str:
    return lines([shown(f"f({x})", value), shown("analytical Jacobian", jacobian)])

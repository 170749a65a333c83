"""The derivative of each operation: for each operand a pull from the result's gradient to its own."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mlp.check.tape.tape import Edge, Pull
from mlp.nn.arrays import Array

Axes = int | tuple[int, ...] | None

# f' of functions of one number.
SLOPES: dict[np.ufunc, Callable[[Array], Array]] = {
    np.negative: lambda x: -np.ones_like(x),
    np.positive: np.ones_like,
    np.exp: np.exp,
    np.expm1: np.exp,
    np.exp2: lambda x: np.exp2(x) * np.log(2),
    np.log: lambda x: 1 / x,
    np.log1p: lambda x: 1 / (1 + x),
    np.log2: lambda x: 1 / (x * np.log(2)),
    np.log10: lambda x: 1 / (x * np.log(10)),
    np.sqrt: lambda x: 0.5 / np.sqrt(x),
    np.cbrt: lambda x: 1 / (3 * np.cbrt(x) ** 2),
    np.square: lambda x: 2 * x,
    np.reciprocal: lambda x: -1 / x**2,
    np.tanh: lambda x: 1 - np.tanh(x) ** 2,
    np.sinh: np.cosh,
    np.cosh: np.sinh,
    np.sin: np.cos,
    np.cos: lambda x: -np.sin(x),
    np.arctan: lambda x: 1 / (1 + x**2),
    np.absolute: np.sign,
    np.fabs: np.sign,
}

# Of functions of two: for each operand which one its factor is computed from, and how, given the other.
_Slope = Callable[[Array, Array], Array]
PAIRS: dict[np.ufunc, tuple[tuple[int, _Slope], tuple[int, _Slope]]] = {
    np.add: (
        (-1, lambda a, b: np.ones(np.broadcast(a, b).shape)),
        (-1, lambda a, b: np.ones(np.broadcast(a, b).shape)),
    ),
    np.subtract: (
        (-1, lambda a, b: np.ones(np.broadcast(a, b).shape)),
        (-1, lambda a, b: -np.ones(np.broadcast(a, b).shape)),
    ),
    np.multiply: ((1, lambda _, b: b), (0, lambda a, _: a)),
    np.divide: ((1, lambda _, b: 1 / b), (1, lambda a, b: -a / b**2)),
    np.power: ((0, lambda a, b: b * a ** (b - 1)), (0, lambda a, b: a**b * np.log(a))),
    np.maximum: ((0, lambda a, b: (a > b) * 1.0), (1, lambda a, b: (a < b) * 1.0)),  # as people write (x > 0)
    np.minimum: ((0, lambda a, b: (a < b) * 1.0), (1, lambda a, b: (a > b) * 1.0)),
    np.logaddexp: ((0, lambda a, b: 1 / (1 + np.exp(b - a))), (1, lambda a, b: 1 / (1 + np.exp(a - b)))),
}


def unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """A gradient summed over what an operand of this shape was repeated for."""
    if gradient.shape == shape:
        return gradient
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[axis] != 1)
    return np.asarray(gradient.sum(axis=stretched, keepdims=True))


def times(parent: int, operand: int, factor: Array, shape: tuple[int, ...], result: tuple[int, ...]) -> Edge:
    """The edge of an operation by elements whose derivative by one operand is a factor."""
    full = np.broadcast_to(factor, result)
    if shape == result and np.all(full == 1):
        return Edge(parent, operand, lambda gradient: gradient, factor=full)

    def pull(gradient: Array) -> Array:
        # One that was summed over other axes than it should be goes on as numpy stretches it.
        return unbroadcast(gradient * full, shape) if gradient.shape == result else gradient * full

    return Edge(parent, operand, pull, factor=full)


def of_function(ufunc: np.ufunc, values: Sequence[Array], parents: Sequence[int], result: Array) -> list[Edge]:
    """The edges of a function of one or two operands, by elements.

    Raises:
        KeyError: its derivative is not known here.
    """
    if ufunc in SLOPES:
        slope, x = SLOPES[ufunc], values[0]
        edge = times(parents[0], 0, slope(x), x.shape, result.shape)
        return [edge._replace(used=x, with_used=lambda v: lambda g: g * slope(v))]
    edges = []
    for operand, (source, factor) in enumerate(PAIRS[ufunc]):
        edge = times(parents[operand], operand, factor(*values), values[operand].shape, result.shape)
        if source >= 0:
            remade = _remade(values, operand, source, factor)
            edge = edge._replace(used=values[source], with_used=remade, using=source)
        edges.append(edge)
    return edges


def of_unknown(function: Callable[[Array], Array], x: Array, parent: int) -> Edge:
    """The edge of a function by elements of which no derivative is known: it is taken from differences."""

    def slope(x: Array) -> Array:
        step = _STEP * np.maximum(1.0, np.abs(x))
        return np.asarray((function(x + step) - function(x - step)) / (2 * step))

    edge = times(parent, 0, slope(x), x.shape, x.shape)
    return edge._replace(used=x, with_used=lambda v: lambda g: g * slope(v))


_STEP = 6e-6  # where truncation and round-off of a central difference meet


def _remade(values: Sequence[Array], operand: int, source: int, factor: _Slope) -> Callable[[Array], Pull]:
    def with_used(value: Array) -> Pull:
        a, b = (value, values[1]) if source == 0 else (values[0], value)
        made = factor(a, b)
        return lambda g: unbroadcast(g * made, values[operand].shape)

    return with_used


def of_einsum(
    subscripts: str, values: Sequence[Array], parents: Sequence[int], numbers: Sequence[int] = (0, 1)
) -> list[Edge]:
    """The edges of an array's sum, or of one of products of two arrays, whose numbers among the operands are these.

    Raises:
        ValueError: an operand has one index twice, or axes without a name.
    """
    inputs, _, result = subscripts.partition("->")
    names, edges = inputs.split(","), []
    for k, name in enumerate(names):
        if len(set(name)) < len(name) or "." in subscripts:
            raise ValueError(subscripts)
        others = [other for j, other in enumerate(names) if j != k]
        rest = [value for j, value in enumerate(values) if j != k]
        alone = "".join(one for one in name if one not in "".join([result, *others]))  # summed over in this one only
        ones = [np.ones([values[k].shape[name.index(one)] for one in alone])] if alone else []
        make = _summed(f"{','.join([result, *([alone] if alone else []), *others])}->{name}", ones)
        used, with_used, using = (rest[0], make, numbers[1 - k]) if rest else (None, None, 0)
        edges.append(Edge(parents[k], numbers[k], make(*rest), used, with_used, using))
    return edges


def _summed(back: str, ones: Sequence[Array]) -> Callable[..., Pull]:
    def make(*others: Array) -> Pull:
        return lambda gradient: np.asarray(np.einsum(back, gradient, *ones, *others))

    return make


def product_subscripts(a: Array, b: Array) -> str:
    """The matrix product a @ b as a sum of products, for arrays with as many leading axes, or none on one side."""
    left = "ab"[2 - a.ndim :] if a.ndim < 3 else "stuv"[: a.ndim - 2] + "ab"
    right = "b" if b.ndim == 1 else "stuv"[: b.ndim - 2] + "bc"
    lead = max(left[:-2], right[:-2], key=len) if a.ndim > 1 and b.ndim > 1 else left[:-2] + right[:-2]
    return f"{left},{right}->{lead}{'a' if a.ndim > 1 else ''}{'c' if b.ndim > 1 else ''}"


def of_index(parent: int, operand: int, index: Array, shape: tuple[int, ...]) -> Edge:
    """The edge of an operation that only takes entries: `index` says which, from 1, and 0 for none."""
    size = int(np.prod(shape))

    def pull(gradient: Array) -> Array:
        return np.bincount(index.ravel(), gradient.ravel(), size + 1)[1:].reshape(shape)

    return Edge(parent, operand, pull, source=index)


def of_extreme(parent: int, value: Array, result: Array, axis: Axes) -> Edge:
    """The edge of a maximum or minimum over some axes; equal ones share it."""
    used = _share(value, result, axis)
    count = value.size / max(1, result.size)
    routes = {
        "to all entries": np.ones(value.shape),
        "to all entries in equal parts, as from an average,": np.full(value.shape, 1 / count),
        "in full to each of several equal entries, so ties count several times": np.sign(used),
    }
    if isinstance(axis, tuple) and len(axis) == 2 and value.shape[axis[0]] == value.shape[axis[1]]:
        routes[f"to the transposed place, with axis {axis[0]} and {axis[1]} exchanged"] = np.swapaxes(used, *axis)
    with_share = _onto(value, axis)
    return Edge(parent, 0, with_share(used), used, with_share, routes=_routes(value, axis, routes, 1.0))


def of_sum(parent: int, value: Array, axis: Axes, scale: float) -> Edge:
    """The edge of a sum, or of a mean, over some axes."""
    pull = _onto(value, axis)(np.full(value.shape, scale))
    along = {
        f"along axis {other} where it should be along axis {axis}": _along(value.shape, axis, other, scale)
        for other in range(value.ndim)
        if isinstance(axis, int) and other != axis % value.ndim and value.shape[other] == value.shape[axis]
    }
    return Edge(parent, 0, pull, routes={**_routes(value, axis, {}, scale), **along})


def _along(shape: tuple[int, ...], axis: int, other: int, scale: float) -> Pull:
    alone = (*shape[:axis], 1, *shape[axis:][1:])
    return lambda gradient: np.broadcast_to(scale * np.swapaxes(gradient.reshape(alone), axis, other), shape)


def onto(parent: int, slope: Array, axis: Axes) -> Edge:
    """The edge of a function over some axes, from its derivative by each entry."""
    return Edge(parent, 0, _onto(slope, axis)(slope), slope, _onto(slope, axis))


def _onto(value: Array, axis: Axes) -> Callable[[Array], Pull]:
    """For the shares of entries: what they make of the gradient by a number for all of them along some axes."""
    kept = value.sum(axis=axis, keepdims=True)

    def with_share(share: Array) -> Pull:
        # One that was summed over other axes than it should be goes on as numpy stretches it.
        return lambda g: (np.reshape(g, kept.shape) if g.size == kept.size and g.ndim < kept.ndim else g) * share

    return with_share


def _share(value: Array, found: Array, axis: Axes) -> Array:
    is_it = (value == np.reshape(found, value.sum(axis=axis, keepdims=True).shape)) * 1.0
    return np.asarray(is_it / is_it.sum(axis=axis, keepdims=True))


def _routes(value: Array, axis: Axes, more: Mapping[str, Array], scale: float) -> dict[str, Pull]:
    order = np.arange(value.size).reshape(value.shape)
    shares = {
        **more,
        "to the first entry": _share(order, order.min(axis=axis), axis),
        "to the last entry": _share(order, order.max(axis=axis), axis),
        "to the largest entry": _share(value, value.max(axis=axis), axis),
        "to the smallest entry": _share(value, value.min(axis=axis), axis),
    }
    return {words: _onto(value, axis)(scale * share) for words, share in shares.items()}

"""One forward and one backward pass, layer by layer, with a remark on everything a layer should not have done."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from mlp.nn.arrays import Array
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss
from mlp.nn.network import Sequential
from mlp.nn.problem import INPUT, Problem


class RemarkKind(StrEnum):
    """What is remarked on, in the words that a page can show as a label."""

    FLOAT32 = "float32 arithmetic"
    ROUNDED = "rounded numbers"
    INTEGERS = "integer array"
    INTEGER_GRADIENT = "integer gradient"
    NOT_FINITE = "NaN or infinity"
    WRONG_SHAPE = "wrong shape"
    RAISES = "raises an error"
    MISSING = "gradient never set"
    CHANGES_INPUT = "changes its input in place"
    CHANGES_PARAMETERS = "changes its parameters"
    NOT_REPEATABLE = "different when run twice"
    ACCUMULATES = "accumulates"
    TWO_FORWARDS = "forward and apply differ"
    READ = "seen in the code"
    DRAWN = "entries drawn at random"
    UNCHECKED = "not compared"


# These are worth knowing but nothing to repair.
_NOTES = frozenset(
    {
        RemarkKind.FLOAT32,
        RemarkKind.ROUNDED,
        RemarkKind.INTEGERS,
        RemarkKind.READ,
        RemarkKind.DRAWN,
        RemarkKind.UNCHECKED,
    }
)


@dataclass(frozen=True)
class Remark:
    """One observation about a layer.

    Attributes:
        kind: what it is about.
        layer: the layer's name ("fc1"), "loss", or "" for a network that is one layer.
        sentence: what was seen and what to do, for a person to read.
    """

    kind: RemarkKind
    layer: str
    sentence: str

    @property
    def is_fault(self) -> bool:
        """Whether the code has to be changed; otherwise the remark is a note."""
        return self.kind not in _NOTES


LOSS = "loss"


@dataclass
class Visit:
    """What went into one layer and came out of it; dy and dx are None where backward did not get that far."""

    name: str
    layer: Layer
    x: Array
    y: Array
    dy: Array | None = None
    dx: Array | None = None


@dataclass
class Passes:
    """What one forward and one backward pass found.

    Attributes:
        value: the loss.
        gradients: the gradient of each tensor by name, the input's as "x", as backward gave it, of any shape; a
            tensor is missing if no layer gave it.
        visits: the layers in order.
        remarks: what a layer should not have done.
    """

    value: float = np.nan
    gradients: dict[str, Array] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def remark(self, kind: RemarkKind, layer: str, sentence: str) -> None:
        """Add a remark."""
        self.remarks.append(Remark(kind, layer, sentence))


def leaves(network: Layer, prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """The layers that do the work, by full name, in order; a class with ways of its own is one layer."""
    if isinstance(network, Sequential) and _is_plain(type(network)):
        for name, layer in network.layers.items():
            yield from leaves(layer, f"{prefix}{name}.")
    else:
        yield prefix.rstrip("."), network


def from_layer_on(problem: Problem[Layer], name: str) -> tuple[Problem[Layer], str]:
    """The same loss as a function of a parameter's layer and those after it, and the parameter's name in them.

    What comes before does not move with it. The input moves everything: of that it is the problem itself.
    """
    if name == INPUT:
        return problem, name
    layers, x = list(leaves(problem.network)), problem.x
    while name not in (own := {parameter_name(layers[0][0], key): key for key in layers[0][1].parameters()}):
        x = layers.pop(0)[1].apply(x)
    rest = Sequential(**{f"layer{i}": layer for i, (_, layer) in enumerate(layers)})
    return problem._replace(network=rest, x=x), f"layer0.{own[name]}"


def shown(name: str, layer: object) -> str:
    """How a sentence calls a layer: by its name in the network, or by its class if it has none."""
    return name or type(getattr(layer, "inner", layer)).__name__


def run_passes(problem: Problem[Layer]) -> Passes:
    """Run every layer forward and then backward; what the layers keep is that of this run afterwards."""
    passes = Passes()
    x = problem.x.copy()
    for name, layer in leaves(problem.network):
        x = _forward(passes, name, layer, x)
    passes.value = float(problem.loss.forward(x, problem.target))
    dy = _loss_backward(passes, problem.loss, x)
    for visit in reversed(passes.visits):
        dy = None if dy is None else _backward(passes, visit, dy)
    if dy is not None:
        passes.gradients[INPUT] = dy
    return passes


def parameter_name(layer: str, parameter: str) -> str:
    """The name of a parameter in the whole network: "fc1.W", or "W" if the network is one layer."""
    return f"{layer}.{parameter}" if layer else parameter


def _is_plain(kind: type[Sequential]) -> bool:
    return all(getattr(kind, name) is getattr(Sequential, name) for name in ("forward", "backward", "gradients"))


def _forward(passes: Passes, name: str, layer: Layer, x: Array) -> Array:
    kept = x.copy()
    y = np.asarray(layer.forward(x))
    if not _same(x, kept):
        passes.remark(
            RemarkKind.CHANGES_INPUT,
            name,
            f"{shown(name, layer)}.forward changes its input x in place. Others still need that array: work on a copy.",
        )
    passes.visits.append(Visit(name, layer, kept, y.copy()))
    return y.copy()  # so that a later layer that changes its input cannot spoil what this one keeps


def _loss_backward(passes: Passes, loss: Loss, y: Array) -> Array | None:
    try:
        dy = np.asarray(loss.backward())
    except Exception as error:  # whatever a person's code raises becomes a sentence of the report
        passes.remark(RemarkKind.RAISES, LOSS, f"The loss's backward() raises {_quoted(error)}.")
        return None
    return dy if _has_shape(passes, LOSS, "The loss's backward()", "dy", dy, ("y", y)) else None


def _backward(passes: Passes, visit: Visit, dy: Array) -> Array | None:
    """The layer's dx, or None if there is none of the right shape."""
    caller = f"{shown(visit.name, visit.layer)}.backward"
    visit.dy, given = dy.copy(), dy.copy()
    before = {name: value.copy() for name, value in visit.layer.parameters().items()}
    try:
        dx = np.array(visit.layer.backward(given))
    except Exception as error:  # as above
        passes.remark(RemarkKind.RAISES, visit.name, f"{caller} raises {_quoted(error)} for dy of shape {dy.shape}.")
        return None
    if not _same(given, visit.dy):
        passes.remark(
            RemarkKind.CHANGES_INPUT,
            visit.name,
            f"{caller} changes dy in place. Another layer may still need that array: write dx = dy * ..., "
            f"which makes a new one.",
        )
    _restore_parameters(passes, visit, caller, before)
    _collect(passes, visit, caller)
    if not _has_shape(passes, visit.name, caller, "dx", dx, ("x", visit.x)):
        return None
    visit.dx = dx
    return dx


def _restore_parameters(passes: Passes, visit: Visit, caller: str, before: dict[str, Array]) -> None:
    for name, value in visit.layer.parameters().items():
        if not _same(value, before[name]):
            passes.remark(
                RemarkKind.CHANGES_PARAMETERS,
                visit.name,
                f"{caller} changes the parameter {name}. A backward pass only differentiates; move the update "
                f"to a step of its own, after all gradients are there.",
            )
            value[...] = before[name]


def _collect(passes: Passes, visit: Visit, caller: str) -> None:
    """Take the parameters' gradients from the layer."""
    try:
        gradients = visit.layer.gradients()
    except (RuntimeError, AttributeError):
        passes.remark(
            RemarkKind.MISSING, visit.name, f"{caller} leaves a parameter without a gradient: it is never set."
        )
        gradients = _present_gradients(visit.layer)
    parameters = visit.layer.parameters()
    for name, gradient in gradients.items():
        array = np.array(gradient)
        passes.gradients[parameter_name(visit.name, name)] = array
        _has_shape(passes, visit.name, caller, f"grad_{name}", array, (name, parameters[name]))


def _present_gradients(layer: Layer) -> dict[str, Array]:
    found = {name: getattr(layer, f"grad_{name}", None) for name in layer.parameters()}
    return {name: gradient for name, gradient in found.items() if gradient is not None}


def _has_shape(passes: Passes, layer: str, caller: str, name: str, array: Array, expected: tuple[str, Array]) -> bool:
    """Whether a gradient has the shape of what it belongs to; if not, or if it holds integers, a remark says so."""
    owner, wanted = expected
    shape = np.shape(wanted)
    if array.dtype.kind in "iub":
        passes.remark(
            RemarkKind.INTEGER_GRADIENT,
            layer,
            f"{caller} gives {name} as integers ({array.dtype}), so everything after the decimal point is cut off. "
            f"Make the array with dtype float: np.zeros({owner}.shape).",
        )
    if array.shape == shape:
        return True
    passes.remark(
        RemarkKind.WRONG_SHAPE,
        layer,
        f"{caller} gives {name} the shape {array.shape}, but {owner} has the shape {shape}: a gradient has one entry "
        f"for each entry of what it belongs to.",
    )
    return False


def _quoted(error: Exception) -> str:
    text = str(error)
    return f"{type(error).__name__} ({text})" if text else type(error).__name__


def _same(left: Array, right: Array) -> bool:
    return bool(np.array_equal(left, right, equal_nan=True))

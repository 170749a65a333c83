"""One layer (or the loss) on its own: what it was given, what its backward said, and what would be right.

Because dy is drawn at random, a fault of another layer cannot show here; and because backward was preceded by a forward
on another input, a fault that remembers too long does.
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike

from mlp.check.compare import as_float64
from mlp.check.contract import forward_on_another_input
from mlp.check.diagnosis.attempts import attempted
from mlp.check.diagnosis.paths import Paths
from mlp.check.diagnosis.way_back import WrongWays, slips
from mlp.check.diagnosis.way_back.changed import Arrival
from mlp.check.diagnosis.way_back.steps import without_numbers
from mlp.check.diagnosis.way_back.ways import Slip
from mlp.check.passes import run_passes
from mlp.check.projection import Projection, random_source
from mlp.check.report import GradientReport
from mlp.check.tape.recording import recorded
from mlp.check.tape.sites import Site
from mlp.check.tape.tape import Change, Instead, Node, Tape
from mlp.check.tensor import TensorCheck
from mlp.check.verdict import Verdict
from mlp.differences.derivatives import differentiate
from mlp.differences.methods import CENTRAL, optimal_step
from mlp.differences.networks import loss_gradients
from mlp.nn.arrays import Array
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss
from mlp.nn.problem import INPUT, as_problem

EPS = float(optimal_step(CENTRAL, 1.0))
TARGET = "target"
LEFT = 1e-5
"""What may be left of an array by another one that explains it, as a part of it; numerical gradients have 10 digits."""
APART = 1e-3
"""Factors are different that differ by more than this part of themselves."""
_SAME = 1e-12  # what two computations of one gradient may differ by, as a part of it
SMALL = 2.0**-12
"""How many times smaller a dy is in which nothing is clipped."""
_LITTLE = 0.1
_NO_LIMIT = {"maximum": -np.inf, "minimum": np.inf}
_EXACT = 1e-9  # the error of a gradient that comes over the tape, as a part of its largest entry
_MOST_NUMBERS = 8
_PROBED = 16
MOST_OUTPUTS = 512
_MOST_PATHS = 400_000
T = TypeVar("T")


def _all_of_it(gradient: Array) -> Array:
    return gradient


class Role(StrEnum):
    """What a layer does, found from what it computes and not from its name."""

    LINEAR = "linear"
    ELEMENTWISE = "element-wise"
    OTHER = "other"
    LOSS = "loss"


@dataclass(frozen=True)
class IsolatedLayer:
    """A layer on its own.

    Attributes:
        name: the layer's name in the network.
        subject: the layer or the loss itself, whose class chooses the algebra.
        function: what was differentiated: the layer, or the identity in front of a loss.
        loss: sum(dy * y) for a layer, or the loss itself.
        x: what went in; for a loss, its y.
        dy: the gradient that backward was given; for a loss, its target.
        other_x: what went into the forward before.
        checked: makes the check of this layer alone, when it is asked for.
        said: what backward said, by tensor, of any shape.
        seen: what shows in `said` of a gradient of the right shape: all of it, if the layer was run.
        beside: arrays of other layers that may have been taken for one of this, by what they are called.
        is_companion: whether it is the layer on another input, on which it is only asked if an explanation holds.
    """

    name: str
    subject: object
    function: Layer
    loss: Loss
    x: Array
    dy: ArrayLike
    other_x: Array
    checked: Callable[[], GradientReport]
    said: Mapping[str, Array]
    seen: Callable[[Array], Array] = _all_of_it
    beside: Mapping[str, Array] = field(default_factory=dict)
    is_companion: bool = False
    _made: dict[Any, Any] = field(default_factory=dict, init=False)
    _spaces: list[dict[str, Any]] = field(default_factory=list, init=False)

    @cached_property
    def report(self) -> GradientReport:
        """The check of this layer alone."""
        with attempted():  # whatever somebody's code raises when it is given other arrays
            if self.is_companion and (found := self._checked_by_tape()):
                return found
        return self.checked()

    def _checked_by_tape(self) -> GradientReport | None:
        """What was said beside the way back through forward's operations, which is cheap; None if that is not right.

        At a corner the way back takes a side, so this is for inputs that are drawn at random.
        """
        tape, gradients = self._followed
        is_like = all(np.shape(self.said.get(name, right)) == right.shape for name, right in gradients.items())
        if tape.is_finer or not is_like or not self.said.keys() <= gradients.keys() or not self._moves_by(gradients):
            return None
        checks = {}
        for name, right in gradients.items():
            nothing, bar = np.zeros(right.shape), _EXACT * float(np.max(np.abs(right), initial=0.0))
            said = self.said.get(name, right)
            checks[name] = TensorCheck(name, said, right, nothing, nothing, nothing + bar, nothing.astype(bool))
        return GradientReport(checks, 0.0, EPS, CENTRAL)

    @cached_property
    def is_right(self) -> bool:
        """Whether backward says what the way back through forward's operations gives: then nothing need be checked.

        What forward computes outside of numpy is not on that way, so forward has to move as these gradients say.
        """
        with attempted():  # whatever somebody's code raises when it is given other arrays
            return self.says(self._followed[1]) and self._moves_by(self._followed[1])
        return False

    def _moves_by(self, gradients: Mapping[str, Array]) -> bool:
        """Whether the value changes as these gradients say where all tensors move at once."""
        function, x, dy = self._instead(None, None, None)
        at, rng = as_problem(function, self.loss, x, dy), random_source(4)
        moves = {name: rng.standard_normal(gradient.shape) for name, gradient in gradients.items()}
        tensors = {name: np.asarray(value, np.float64) for name, value in at.tensors().items()}

        def value(step: float) -> float:
            parts = ((name, tensors[name] + step * move) for name, move in moves.items())
            return float(functools.reduce(lambda problem, part: problem.replaced(*part), parts, at).value())

        slopes = [float(np.sum(gradients[name] * move)) for name, move in moves.items()]
        apart = (value(EPS) - value(-EPS)) / (2 * EPS) - sum(slopes)
        return abs(apart) <= LEFT * (1.0 + float(np.sum(np.abs(slopes))))

    def says(self, gradients: Mapping[str, Array]) -> bool:
        """Whether all that backward said is the same as these gradients, but for rounding."""
        return self.said.keys() <= gradients.keys() and all(
            np.shape(given) == gradients[name].shape
            and float(np.linalg.norm(given - gradients[name])) <= _SAME * float(np.linalg.norm(gradients[name]))
            for name, given in self.said.items()
        )

    def right(self, tensor: str) -> Array:
        """The numerical gradient of a tensor."""
        return self.report[tensor].numerical

    @cached_property
    def wrong_tensors(self) -> list[str]:
        """The tensors of which backward said something, and something wrong."""
        if self.is_right:
            return []
        return [name for name, check in self.report.items() if check.verdict is Verdict.WRONG and name in self.said]

    def gradient(
        self,
        tensor: str,
        x: Array | None = None,
        dy: ArrayLike | None = None,
        function: Layer | None = None,
        fixed: Instead | None = None,
    ) -> Array:
        """The gradient of a tensor if something had been otherwise: numerical if forward cannot be followed."""
        return self.gradients(x, dy, function, fixed)[tensor]

    def gradients(
        self,
        x: Array | None = None,
        dy: ArrayLike | None = None,
        function: Layer | None = None,
        fixed: Instead | None = None,
    ) -> Mapping[str, Array]:
        """The same of all tensors, and if something had been done to arrays that no tensor has an influence on."""
        if self.tape:
            is_known = x is None and function is None and fixed is None and isinstance(self.loss, Projection)
            with attempted():  # whatever somebody's code raises for other arrays
                if is_known:
                    return self.tape.of_leaves(self.tape.gradients(self.seed(self.tape, dy)))
                return self._follow(*self._instead(x, dy, function), fixed)[1]
        return self.numerical(x, dy, function)

    def numerical(
        self, x: Array | None = None, dy: ArrayLike | None = None, function: Layer | None = None
    ) -> Mapping[str, Array]:
        """The same from differences."""
        function, x, dy = self._instead(x, dy, function)
        return loss_gradients(function, self.loss, x, dy, EPS)

    def once(self, make: Callable[..., T], *args: Any) -> T:
        """What a function makes of this layer and of arguments: it is asked once, however often that is needed."""
        key = make, *args
        if key not in self._made:
            self._made[key] = make(self, *args)
        return cast(T, self._made[key])

    def _instead(self, x: Array | None, dy: ArrayLike | None, function: Layer | None) -> tuple[Layer, Array, ArrayLike]:
        """The layer, its x and its dy, with others in the place of some."""
        x = np.asarray(self.x if x is None else x, dtype=np.float64)
        return as_float64(self.function if function is None else function), x, self.dy if dy is None else dy

    def said_for(self, dy: Array) -> Mapping[str, Array]:
        """What backward says of another dy."""
        return said(self.function, self.loss, self.x, dy)

    def is_right_for_small_dy(self, tensor: str) -> bool:
        """Whether backward is right where dy is a few thousand times smaller: then something in it is clipped."""
        dy = np.asarray(self.dy, dtype=np.float64)
        again, small = self.said_for(dy).get(tensor), self.said_for(SMALL * dy).get(tensor)
        right = self.right(tensor)
        if again is None or small is None or not np.array_equal(again, self.said[tensor]) or small.shape != right.shape:
            return False
        left, size = float(np.linalg.norm(small / SMALL - right)), float(np.linalg.norm(right))
        return left <= min(1e-6 * size, 1e-2 * float(np.linalg.norm(again - right)))

    @cached_property
    def steps_axis(self) -> int | None:
        """The axis of x and y along which the layer goes step by step: no output depends on a later entry."""
        x = np.asarray(self.x, dtype=np.float64)
        for axis in range(min(x.ndim, self.y.ndim) - 1):
            if x.shape[axis] == self.y.shape[axis] > 1:
                first, last = (self._moved_outputs(axis, place) for place in (0, x.shape[axis] - 1))
                if len(first) > 1 and last == [x.shape[axis] - 1]:
                    return axis
        return None

    @cached_property
    def first_axis(self) -> str:
        """What the first axis of x and y runs over: no samples, if an output depends on what stands elsewhere on it."""
        with attempted():  # whatever somebody's code raises when it is given other arrays
            if self.steps_axis == 0:
                return "step"
            if min(self.x.ndim, self.y.ndim) > 1 and self._moved_outputs(0, 0) not in ([], [0]):
                return "row"
        return "sample"

    def _moved_outputs(self, axis: int, place: int) -> list[int]:
        """The places of the output along an axis that move with those of the input at one place."""
        moved = np.moveaxis(np.array(self.x, dtype=np.float64), axis, 0)
        moved[place] += 0.5
        changed = np.asarray(self.function.apply(np.moveaxis(moved, 0, axis))) != self.y
        return np.unique(np.argwhere(changed)[:, axis]).tolist()

    @cached_property
    def paths(self) -> Mapping[str, Paths]:
        """The paths to each wrong tensor whose gradient has its shape.

        For a loss, for a backward that is not linear in dy or cannot be asked again, and for large ones, the gradient
        itself stands for the paths, as if there were a single output.
        """
        found = {name: self._paths(name) for name in self.wrong_tensors}
        whole = {
            name: self.said[name].astype(np.float64)
            for name in found
            if self.said[name].shape == self.right(name).shape
        }
        single = {
            name: Paths(said.reshape(1, -1), self.right(name).reshape(1, -1), np.ones(1), said.shape)
            for name, said in whole.items()
        }
        return {**single, **{name: paths for name, paths in found.items() if paths is not None}}

    def _paths(self, name: str) -> Paths | None:
        right, y = self.right(name), self.y
        if self._units is None or y.size * right.size > _MOST_PATHS:
            return None
        if any(name not in run or run[name].shape != right.shape for run in self._units):
            return None
        dy, largest = np.asarray(self.dy), float(np.max(np.abs(self.said[name]), initial=0.0))
        constant = self.said_for(np.zeros_like(dy, dtype=np.float64))[name].astype(np.float64)
        said = np.array([(run[name] - constant).ravel() for run in self._units], dtype=np.float64)
        again = dy.reshape(-1) @ said + constant.ravel()
        if not np.allclose(again, self.said[name].ravel(), rtol=1e-7, atol=1e-9 * largest):
            return None
        return Paths(said, self.jacobian(name), dy, right.shape, constant if np.any(constant) else 0.0)

    @cached_property
    def _units(self) -> list[Mapping[str, Array]] | None:
        """What backward says where dy is one for a single output and zero for all others, for each output."""
        y = self.y
        if not isinstance(self.loss, Projection) or y.size > MOST_OUTPUTS:
            return None
        return [self.said_for(unit) for unit in np.eye(y.size).reshape(y.size, *y.shape)]

    def jacobian(self, tensor: str) -> Array:
        """The derivative of every output by every entry of a tensor, (outputs, entries)."""
        if self.tape:
            units = np.eye(self.y.size).reshape(-1, *self.tape.nodes[self.tape.output].value.shape)
            rows = [self.tape.of_leaves(self.tape.gradients(unit))[tensor].ravel() for unit in units]
            return np.array(rows)
        function, x = as_float64(self.function), np.asarray(self.x, dtype=np.float64)
        if tensor == INPUT:
            return differentiate(function.apply, x, EPS, CENTRAL).reshape(self.y.size, -1)
        value = np.asarray(function.parameters()[tensor])
        return differentiate(lambda a: function.replaced(tensor, a).apply(x), value, EPS, CENTRAL).reshape(
            self.y.size, -1
        )

    @cached_property
    def tape(self) -> Tape | None:
        """The operations of forward, if they can be followed and give the right gradients."""
        with attempted():  # whatever somebody's code raises when it is given other arrays
            tape, found = self._followed
            if not self._is_near(found):
                self._spaces.extend(tape.spaces.values())
                tape, found = self._follow(*self._instead(None, None, None))
            if self._is_near(found):
                self._note_others(tape)
                return tape
        return None

    def _is_near(self, found: Mapping[str, Array]) -> bool:
        return all(_are_near(found[name], self.right(name)) for name in self.report if name in found)

    def _note_others(self, tape: Tape) -> None:
        """Note what forward is without one of its numbers: a factor, which is 1 then, an epsilon or a limit."""
        for (site, number), value in list(tape.fixed.items()):
            is_added = site.operation in ("add", "subtract") and np.ndim(value) == 0 < abs(value) < _LITTLE
            is_factor = site.operation in ("multiply", "divide") and np.ndim(value) == 0 and abs(value) not in (0, 1)
            is_limit = site.operation in _NO_LIMIT and np.ndim(value) == 0
            if (is_added or is_factor or is_limit) and len(tape.without) < _MOST_NUMBERS:
                with attempted():  # whatever somebody's code raises for other numbers
                    nothing = _NO_LIMIT.get(site.operation, 0.0 if is_added else 1.0)
                    make = functools.partial(np.full_like, fill_value=nothing)
                    other, _ = self._follow(*self._instead(None, None, None), {(site, number): make})
                    name = site.operand(number)
                    told = f"{name} ({value:.6g})" if re.search("[A-Za-z]", name) else name
                    tape.without[f"{told} were left out of {site.text}"] = other
                    inside = _under_root(tape, site) if is_added else None
                    if inside is not None:
                        outside = functools.partial(_out_of_root, inside)
                        other, _ = self._follow(*self._instead(None, None, None), {(site, number): outside})
                        tape.without[f"{told} were added after the root of {site.text}, and not under it"] = other

    @cached_property
    def _followed(self) -> tuple[Tape, Mapping[str, Array]]:
        return self._follow(*self._instead(None, None, None))

    def _follow(
        self, function: Layer, x: Array, dy: ArrayLike, instead: Instead | None = None
    ) -> tuple[Tape, Mapping[str, Array]]:
        """The operations of a layer like this one, and the gradients of its tensors on the way back over them."""
        tape = self._recorded(function, x, dy, instead)
        arrived = tape.gradients(self.seed(tape, dy))
        return tape.pruned(arrived), tape.of_leaves(arrived)

    def _recorded(self, function: Layer, x: Array, dy: ArrayLike, instead: Instead | None = None) -> Tape:
        """The operations of a layer like this one, on some input."""
        is_layer = isinstance(self.loss, Projection)
        tensors = {name: np.asarray(value, np.float64) for name, value in function.parameters().items()}
        if np.asarray(x).dtype.kind == "f":
            tensors[INPUT] = np.asarray(x, np.float64)
        is_constant = not is_layer and np.asarray(dy).dtype.kind == "f"
        constants = {TARGET: np.asarray(dy)} if is_constant else {}

        def value(given: Mapping[str, Array]) -> object:
            layer = function
            for name in given.keys() - {INPUT, TARGET}:
                layer = layer.replaced(name, given[name])
            y = layer.apply(given.get(INPUT, x))
            return y if is_layer else self.loss.apply(y, given.get(TARGET, dy))

        return recorded(value, tensors, constants, instead, self._spaces)

    def seed(self, tape: Tape, dy: ArrayLike | None = None) -> Array:
        """The gradient by the result that is on the tape, for this dy or another."""
        shape = tape.nodes[tape.output].value.shape
        dy = self.dy if dy is None else dy
        return np.asarray(dy, np.float64).reshape(shape) if isinstance(self.loss, Projection) else np.ones(shape)

    def slips(self, words: str = "", with_changes: bool = False) -> Sequence[Slip]:
        """What wrong ways back through forward's operations would give, those first that explain most tensors.

        Args:
            words: lines of which one is said of each of them; all are given if there are none.
            with_changes: whether they are those with something done to an array, which are many.
        """
        return self.once(_slips, words, with_changes)

    def _some_slips(self, lines: Sequence[str], with_changes: bool) -> Iterator[Slip]:
        for ways in self._changed_ways if with_changes else self._wrong_ways:
            yield from slips(ways.tape, self.seed(ways.tape), ways.called(lines))
        yield from (one for one in self._without_numbers if not with_changes and (not lines or one.words in lines))

    @cached_property
    def _without_numbers(self) -> Sequence[Slip]:
        return list(without_numbers(self.tape, self.seed(self.tape))) if self.tape else []

    def slips_together(self, lines: Sequence[str]) -> Iterator[Mapping[str, Array]]:
        """The gradients of ways back on which all of these slips are made."""
        for ways in self._wrong_ways:
            some = {one.words: one.change for one in reversed(ways.called(lines))}
            if len(some) == len(lines):
                both = functools.reduce(Change.__or__, (some[line] for line in lines))
                yield from ways.tape.changed(self.seed(ways.tape), [both])

    @cached_property
    def _wrong_ways(self) -> Sequence[WrongWays]:
        return [WrongWays(tape, self.seed(tape)) for tape in self._tapes]

    @cached_property
    def _changed_ways(self) -> Sequence[WrongWays]:
        earlier = Tape()
        with attempted():  # whatever somebody's code raises for other arrays
            earlier = self._recorded(as_float64(self.function), self.other_x, self.dy)
        return [WrongWays(tape, self.seed(tape), earlier) for tape in self._tapes]

    @cached_property
    def _tapes(self) -> list[Tape]:
        """The tape, and the shorter one of those who leave out ways whose parts add up to nothing."""
        if not self.tape:
            return []
        shorter = self.tape.shortened(self.tape.gradients(self.seed(self.tape)))
        return [self.tape, *([shorter] if shorter.nodes != self.tape.nodes else [])]

    def with_limit(self, arrival: Arrival, limit: float) -> Mapping[str, Array]:
        """The gradients if what arrives somewhere on the tape is cut off."""
        tape = self.tape or Tape()
        change = arrival.changed(lambda gradient: np.clip(gradient, -limit, limit))
        return tape.of_leaves(tape.gradients(self.seed(tape), change))

    def largest_at(self, arrival: Arrival) -> float:
        """The size of what arrives there on the right way back."""
        gradients = self.tape.gradients(self.seed(self.tape)) if self.tape else []
        edges = (
            {(n, edge.operand): edge for n, _ in arrival.edges for edge in self.tape.nodes[n].edges}
            if self.tape
            else {}
        )
        found = [
            edges[place].pull(one) if arrival.is_after else one
            for place in arrival.edges
            if (one := gradients[place[0]]) is not None
        ]
        return max((float(np.max(np.abs(one))) for one in found), default=0.0)

    def agreeing(self, gradients: Mapping[str, Array]) -> int:
        """Of how many tensors backward says this."""
        return sum(
            self.said[name].shape == gradient.shape and _are_near(gradient, self.said[name])
            for name, gradient in gradients.items()
            if name in self.said
        )

    @cached_property
    def role(self) -> Role:
        """What the layer does."""
        if not isinstance(self.loss, Projection):
            return Role.LOSS
        if self.weight is not None:
            return Role.LINEAR
        return Role.ELEMENTWISE if self._is_elementwise() else Role.OTHER

    @cached_property
    def y(self) -> Array:
        """What came out."""
        return np.asarray(self.function.apply(self.x))

    @cached_property
    def samples(self) -> int:
        """The number of samples in x."""
        return 1 if self.x.ndim < 2 else self.x.shape[0]

    @cached_property
    def weight(self) -> str | None:
        """The name of the matrix W if the layer computes W x + b, or x W + b, else None."""
        parameters = self.function.parameters()
        matrices = [name for name, value in parameters.items() if np.ndim(value) == 2]
        vectors = [value for value in parameters.values() if np.ndim(value) == 1]
        if len(matrices) != 1 or len(vectors) > 1 or len(matrices) + len(vectors) != len(parameters):
            return None
        W = parameters[matrices[0]]
        for candidate in (W.T, W):
            is_like = self.x.shape[-1:] + self.y.shape[-1:] == candidate.shape
            if is_like and all(np.shape(b) == self.y.shape[-1:] for b in vectors):
                y = self.x @ candidate + sum(vectors)
                if y.shape == self.y.shape and np.allclose(y, self.y):
                    return matrices[0]
        return None

    @property
    def out_first(self) -> bool:
        """Whether W has the shape (out, in), as here and in PyTorch, and not (in, out)."""
        W = self.function.parameters()[self.weight or ""]
        b = sum(value for value in self.function.parameters().values() if np.ndim(value) == 1)
        return self.x.shape[-1] == W.shape[1] and bool(np.allclose(self.x @ W.T + b, self.y))

    @cached_property
    def bias(self) -> str | None:
        """The name of the bias of a linear layer, None if it has none."""
        return next((name for name, value in self.function.parameters().items() if np.ndim(value) == 1), None)

    def _is_elementwise(self) -> bool:
        """Whether each output depends on the input in its own place alone, as far as a few of them show."""
        if self.y.shape != self.x.shape or self.function.parameters():
            return False
        for flat in range(min(self.x.size, _PROBED)):
            moved = self.x.astype(np.float64)
            moved.flat[flat] += 0.5
            changed = np.flatnonzero(np.asarray(self.function.apply(moved)) != self.y)
            if set(changed.tolist()) - {flat}:
                return False
        return True

    @cached_property
    def slope(self) -> Array:
        """f'(x) of an element-wise layer."""
        return self.gradient(INPUT, dy=np.ones(self.y.shape))

    def slope_at(self, x: Array) -> Array:
        """f' at other points."""
        return self.gradient(INPUT, x=x, dy=np.ones(self.y.shape))


def _under_root(tape: Tape, site: Site) -> Array | None:
    """What a number is added to under a root; None if it is not, or in several places."""
    sums = [(number, node) for number, node in enumerate(tape.nodes) if node.site == site]
    roots = [node for node in tape.nodes if sums and sums[0][0] in node.operands.values() and _is_root(tape, node)]
    return tape.nodes[sums[0][1].edges[0].parent].value if len(sums) == 1 and roots and sums[0][1].edges else None


def _is_root(tape: Tape, node: Node) -> bool:
    inner = tape.nodes[node.edges[0].parent].value if node.edges else np.zeros(())
    return node.value.shape == inner.shape and any(np.allclose(node.value, inner**power) for power in (0.5, -0.5))


def _out_of_root(inside: Array, value: Array) -> Array:
    """What must be added to a number so that its root is that of the number, and the value added to that."""
    return np.asarray((np.sqrt(inside) + value) ** 2 - inside)


def _slips(case: IsolatedLayer, words: str, with_changes: bool) -> list[Slip]:
    return sorted(case._some_slips(words.splitlines(), with_changes), key=lambda slip: -case.agreeing(slip.gradients))


def _are_near(one: Array, other: Array) -> bool:
    return float(np.linalg.norm(one - other)) <= LEFT * float(np.linalg.norm(other)) + 1e-9


def said(function: Layer, loss: Loss, x: Array, dy: ArrayLike) -> Mapping[str, Array]:
    """The gradients of one run of a copy, after a forward on another input; each of the shape that backward gave it."""
    run = as_problem(function, loss, x, dy).copied()
    forward_on_another_input(run)
    return run_passes(run).gradients

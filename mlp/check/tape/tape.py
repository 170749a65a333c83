"""The operations of one forward pass in their order, and the gradients that go back through them.

To go back otherwise than it should be done, `gradients` takes a rule in the place of some operation's own: so it says
what a backward pass with that fault would give.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from mlp.check.tape.sites import Site, here
from mlp.nn.arrays import Array

Pull = Callable[[Array], Array]
Operand = tuple[Site, int]
Instead = Mapping[Operand, Callable[[Array], Array]]
_MOST_NODES = 6000
_NOTHING = 1e-12


class TooLongError(Exception):
    """There are more operations than are worth following."""


class Edge(NamedTuple):
    """The way back from an operation to one of its operands.

    Attributes:
        parent: the number of the node that holds the operand.
        operand: which one it is, from 0.
        pull: what a gradient by the result makes of a gradient by the operand.
        used: the array that the derivative is computed from, if there is one.
        with_used: the pull for another such array.
        using: which operand that array is.
        factor: what the gradient is multiplied by, in the shape of the result, if that is what pull does.
        routes: of a sum, mean, maximum or minimum, pulls to other entries than it should be, by what they are called.
        source: from which entry of the operand, counted from 1, each of the result is taken; 0 for none.
    """

    parent: int
    operand: int
    pull: Pull
    used: Array | None = None
    with_used: Callable[[Array], Pull] | None = None
    using: int = 0
    factor: Array | None = None
    source: Array | None = None
    routes: Mapping[str, Pull] = {}


class Node(NamedTuple):
    """The result of one operation.

    Attributes:
        site: where the operation stands.
        value: the result.
        edges: the ways back to what depends on the tensors.
        operands: the numbers of the nodes that hold its operands, also of those that depend on no tensor.
        idle: the ways back to those.
    """

    site: Site
    value: Array
    edges: Sequence[Edge]
    operands: Mapping[int, int]
    idle: Sequence[Edge] = ()


def _largest(array: Array | None) -> float:
    return 0.0 if array is None else float(np.max(np.abs(array), initial=0.0))


Rule = Callable[[Edge, Array], Array | None]
"""From an edge and the gradient by the result to what arrives at the operand; None for nothing."""


@dataclass(frozen=True)
class Change:
    """What is done otherwise on the way back.

    Attributes:
        rules: what is done in the place of the pulls of some edges, by the numbers of the node and of the operand.
        jumps: nodes from which the gradient goes straight on to another node, and what becomes of it.
        kept: "last" or "first" for nodes where only the gradient that arrives last, or first, is kept.
        taken: nodes that hand on what has arrived at another node, and that node.
        edges: all ways back from some nodes, in the place of their own.
        order: the numbers of all nodes in the order in which they hand on; that of their numbers, the last first, if
            none is given.
    """

    rules: Mapping[tuple[int, int], Rule] = field(default_factory=dict)
    jumps: Mapping[int, tuple[int, Pull]] = field(default_factory=dict)
    kept: Mapping[int, str] = field(default_factory=dict)
    taken: Mapping[int, int] = field(default_factory=dict)
    edges: Mapping[int, Sequence[Edge]] = field(default_factory=dict)
    order: Sequence[int] = ()

    def __or__(self, other: "Change") -> "Change":
        """Both of two changes."""
        return Change(
            {**self.rules, **other.rules},
            {**self.jumps, **other.jumps},
            {**self.kept, **other.kept},
            {**self.taken, **other.taken},
            {**self.edges, **other.edges},
            self.order or other.order,
        )

    @property
    def top(self) -> int:
        """The number of the node from which on something is otherwise; -1 if that is not told by numbers."""
        numbers = [*self.jumps, *(number for number, _ in self.rules), *self.taken]
        return -1 if self.kept or self.order else max(numbers, default=-1)

    @cached_property
    def turns(self) -> Mapping[int, list[tuple[int, int]]]:
        """The nodes in `taken` with where they take from, by when all of it has arrived: at the earlier of the two."""
        found: dict[int, list[tuple[int, int]]] = {}
        for node, source in self.taken.items():
            found.setdefault(min(node, source), []).append((node, source))
        return found

    @cached_property
    def touched(self) -> frozenset[int]:
        """The nodes that hand on otherwise."""
        return frozenset((*self.jumps, *(number for number, _ in self.rules), *self.taken, *self.turns, *self.edges))

    def arrive(self, arrived: list[Array | None], number: int, part: Array | None) -> None:
        """Add what arrives at a node to what is there."""
        before = arrived[number]
        if part is None:
            return
        if before is None or self.kept.get(number) == "last":
            arrived[number] = part
        elif self.kept.get(number) != "first":
            arrived[number] = before + part


@dataclass
class Tape:
    """What was computed.

    Attributes:
        nodes: the results in their order.
        leaves: the numbers of the nodes that hold the tensors, by their names.
        names: what the arrays are called that were there before, by the numbers of their nodes.
        fixed: the numbers and arrays that no tensor has an influence on, by the operation and operand they stand in.
        instead: what is done to some of these before the operation is carried out.
        without: of forward without one of its numbers, by what has been left out.
        output: the number of the node that holds the result of all.
        is_finer: whether an array that the code has in less than float64 is in float64 here.
        spaces: the names of all modules whose code is on it.
    """

    nodes: list[Node] = field(default_factory=list)
    leaves: dict[str, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    fixed: dict[Operand, Array] = field(default_factory=dict)
    instead: Instead = field(default_factory=dict)
    without: dict[str, "Tape"] = field(default_factory=dict)
    output: int = -1
    is_finer: bool = False
    spaces: dict[int, dict[str, Any]] = field(default_factory=dict)
    _active: set[int] = field(default_factory=set)

    def add(self, operation: str, value: Array, edges: Sequence[Edge] = (), is_leaf: bool = False) -> int:
        """Note a result; only operands on which a tensor has an influence are gone back to."""
        if len(self.nodes) >= _MOST_NODES:
            raise TooLongError
        site, number = here(operation, self.spaces), len(self.nodes)
        kept = [edge for edge in edges if edge.parent in self._active]
        operands = {edge.operand: edge.parent for edge in edges}
        idle = [edge for edge in edges if edge.parent not in self._active]
        self.nodes.append(Node(site, np.array(value, dtype=np.float64), kept, operands, idle))
        if kept or is_leaf:
            self._active.add(number)
        return number

    def operand(self, operation: str, number: int, value: Any, node: int) -> tuple[Any, int]:
        """What stands in an operation that is to be carried out, and the number of its node; noted if it is fixed.

        Args:
            operation: its name.
            number: of the operand.
            value: the operand.
            node: the number of its node; -1 if there is none.
        """
        if node in self._active or np.asarray(value).dtype.kind not in "iuf":
            return value, node
        site = here(operation, self.spaces)
        self.fixed[site, number] = np.asarray(value)
        if (site, number) in self.instead:
            value, node = self.instead[site, number](np.asarray(value, dtype=np.float64)), -1
        text = site.operand(number)
        if node < 0 and np.ndim(value) and text.startswith("`"):
            node = self.add("constant", value)
            self.names[node] = text.strip("`")
        return value, node

    def pruned(self, arrived: Sequence[Array | None]) -> "Tape":
        """The same without ways back that nobody goes: from what the result does not depend on, and from constants.

        Args:
            arrived: the gradients by all nodes. Of largest and smallest entries that do not matter, as where softmax
                takes off the largest, it adds up to nothing.
        """
        parts: dict[int, float] = {}
        for node, gradient in zip(self.nodes, arrived, strict=True):
            for edge in node.edges if gradient is not None else ():
                if self.nodes[edge.parent].site.operation in ("max", "min", "amax", "amin"):
                    parts[edge.parent] = max(_largest(gradient), parts.get(edge.parent, 0.0))
        idle = {number for number, size in parts.items() if _largest(arrived[number]) <= _NOTHING * size}
        nodes = [
            node._replace(edges=[edge for edge in node.edges if edge.parent not in idle and gradient is not None])
            for node, gradient in zip(self.nodes, arrived, strict=True)
        ]
        return replace(self, nodes=nodes)

    def shortened(self, arrived: Sequence[Array | None]) -> "Tape":
        """The same without ways back whose parts add up to nothing, as from a variance to the mean of what it is of.

        Args:
            arrived: the gradients by all nodes. What goes such a way is handed to the other operand alone.
        """
        nodes = list(self.nodes)
        for number, (node, gradient) in enumerate(zip(self.nodes, arrived, strict=True)):
            if gradient is not None:
                edges = [self._open(edge, gradient)._replace(parent=self._past(edge, gradient)) for edge in node.edges]
                nodes[number] = node._replace(edges=edges)
        return replace(self, nodes=nodes)

    def value(self, number: int, operand: int) -> Array | None:
        """What stood as an operand in the operation of a node; None if that is not known."""
        node = self.nodes[number]
        source = node.operands.get(operand, -1)
        return self.nodes[source].value if source >= 0 else self.fixed.get((node.site, operand))

    def _open(self, edge: Edge, gradient: Array) -> Edge:
        """The same without a mask that stops nothing, as one of what softmax makes zeros of anyway."""
        factor, shape = edge.factor, self.nodes[edge.parent].value.shape
        is_idle = factor is not None and np.any(factor == 0) and not np.any(gradient[factor == 0])
        if factor is None or not is_idle or not np.all((factor == 0) | (factor == 1)) or factor.shape != shape:
            return edge
        return edge._replace(pull=lambda g: g, factor=np.ones(shape))

    @property
    def ways(self) -> list[list[int]]:
        """For each node the numbers of those that it hands on to."""
        return [[edge.parent for edge in node.edges] for node in self.nodes]

    def _past(self, edge: Edge, gradient: Array) -> int:
        """The node to which a part of a gradient goes on, if all others get nothing of it; else the one it goes to."""
        node, part = self.nodes[edge.parent], edge.pull(gradient)
        going_on = [one for one in node.edges if _largest(one.pull(part)) > _NOTHING * _largest(one.pull(np.abs(part)))]
        is_one = len(going_on) == 1 < len(node.edges) and going_on[0].factor is not None
        if is_one and np.all(going_on[0].factor == 1) and self.nodes[going_on[0].parent].value.shape == part.shape:
            return going_on[0].parent
        return edge.parent

    @cached_property
    def used(self) -> set[int]:
        """The numbers of the nodes that the result is computed from, and not only what somebody needs of it later."""
        found, new = set[int](), {self.output}
        while new:
            found |= new
            new = {parent for number in new for parent in self.nodes[number].operands.values()} - found - {-1}
        return found

    def depends(self, one: int, other: int) -> bool:
        """Whether there is a way back from one node to another."""
        return bool(self._before[one] >> other & 1)

    @cached_property
    def _before(self) -> list[int]:
        """For each node the numbers of all that it depends on, as bits."""
        found: list[int] = []
        for node in self.nodes:
            bits = 0
            for edge in node.edges:
                bits |= found[edge.parent] | 1 << edge.parent
            found.append(bits)
        return found

    def find(self, value: Array) -> int:
        """The number of the last node that holds these numbers; -1 if none does."""
        flat = np.ravel(value)
        for number in reversed(range(len(self.nodes))):
            if self.nodes[number].value.size == flat.size and np.array_equal(self.nodes[number].value.ravel(), flat):
                return number
        return -1

    def gradients(self, seed: Array, change: "Change | None" = None) -> list[Array | None]:
        """The gradient by each node, None where none arrives, from this one by the output on."""
        arrived: list[Array | None] = [None] * len(self.nodes)
        arrived[self.output] = seed
        self._go_back(arrived, self.output, -1, change or Change())
        return arrived

    def from_node(self, number: int, gradient: Array) -> dict[str, Array]:
        """The gradients of the tensors, from this one by a node on."""
        arrived: list[Array | None] = [None] * len(self.nodes)
        arrived[number] = gradient
        self._go_back(arrived, number, -1, Change())
        return self.of_leaves(arrived)

    def changed(self, seed: Array, changes: Sequence["Change"]) -> list[dict[str, Array]]:
        """The gradients of the tensors for each of some changes, none where they cannot be carried out to the end.

        What is done before any change is done once.
        """
        tops = [self.output if change.top < 0 else change.top for change in changes]
        found: list[dict[str, Array]] = [{}] * len(changes)
        arrived: list[Array | None] = [None] * len(self.nodes)
        arrived[self.output] = seed
        at = self.output
        for k in sorted(range(len(changes)), key=lambda k: -tops[k]):
            self._go_back(arrived, at, tops[k], Change())
            at = min(at, tops[k])
            other = list(arrived)
            with contextlib.suppress(ValueError):  # shapes that do not fit what comes further down
                self._go_back(other, at, -1, changes[k])
                found[k] = self.of_leaves(other)
        return found

    def _go_back(self, arrived: list[Array | None], start: int, stop: int, change: "Change") -> None:
        """Hand on what has arrived at the nodes from `start` down to the one before `stop` is reached."""
        for number in change.order or range(start, stop, -1):
            if not change.kept and number not in change.touched:  # most of them, thousands of times
                if (gradient := arrived[number]) is not None:
                    for parent, pull in self._pulls[number]:
                        before, part = arrived[parent], pull(gradient)
                        arrived[parent] = part if before is None else before + part
                continue
            own = [] if number in change.taken else [(number, number)]
            for node, source in [*own, *change.turns.get(number, [])]:
                gradient = arrived[source]
                if gradient is not None:
                    self._hand_on(arrived, node, gradient, change)

    @cached_property
    def _pulls(self) -> list[list[tuple[int, Pull]]]:
        return [[(edge.parent, edge.pull) for edge in node.edges] for node in self.nodes]

    def _hand_on(self, arrived: list[Array | None], number: int, gradient: Array, change: "Change") -> None:
        if number in change.jumps:
            goal, pull = change.jumps[number]
            change.arrive(arrived, goal, pull(gradient))
            return
        for edge in change.edges.get(number, self.nodes[number].edges):
            rule = change.rules.get((number, edge.operand))
            change.arrive(arrived, edge.parent, rule(edge, gradient) if rule else edge.pull(gradient))

    def between(self, number: int, other: int, gradient: Array) -> Array:
        """The gradient by a node that is on the way back from another one, from this one by that."""
        arrived: list[Array | None] = [None] * len(self.nodes)
        arrived[number] = gradient
        self._go_back(arrived, number, other, Change())
        found = arrived[other]
        return np.zeros(self.nodes[other].value.shape) if found is None else found

    def of_leaves(self, arrived: Sequence[Array | None]) -> dict[str, Array]:
        """The gradients of the tensors among those of all nodes."""
        return {
            name: np.zeros(self.nodes[number].value.shape) if (found := arrived[number]) is None else found
            for name, number in self.leaves.items()
        }

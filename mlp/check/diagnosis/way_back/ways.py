"""Ways back through forward's operations, by the code that they belong to, and what is wrong with one of them."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from mlp.check.tape.sites import Site
from mlp.check.tape.tape import Change, Edge, Rule, Tape
from mlp.nn.arrays import Array

LEFT_OUT = "path left out"
_NAME = re.compile(r"`[\w.]+`")


class Slip(NamedTuple):
    """One wrong way back.

    Attributes:
        pattern: the name of the fault.
        words: where it is and what is wrong there.
        gradients: of the tensors by name.
        goal: the tensor that the way leads to, if it is one.
    """

    pattern: str
    words: str
    gradients: Mapping[str, Array]
    goal: str = ""


class Wrong(NamedTuple):
    """A slip that is still to be tried."""

    pattern: str
    words: str
    change: Change
    goal: str = ""


class Way(NamedTuple):
    """The ways back from one operation in the code to one of its operands.

    Attributes:
        site: the operation.
        operand: the number of the operand.
        numbers: the nodes that hold its results, in their order.
        edges: their edges to the operand.
        goal: what the operand is called.
        within: by which call the operation was carried out, if there are several; else "".
    """

    site: Site
    operand: int
    numbers: Sequence[int]
    edges: Sequence[Edge]
    goal: str
    within: str

    @property
    def words(self) -> str:
        """From what to what the way goes."""
        return f"from {self.site.text} to {self.goal}"

    @property
    def is_buffer(self) -> bool:
        """Whether this leads from an array that was written into to the same array before that."""
        return self.site.operation == "assignment" and self.operand == 0

    def ruled(self, rule: Rule) -> Change:
        """The same rule for all of them."""
        return Change({(number, self.operand): rule for number in self.numbers})


def ways(tape: Tape) -> list[Way]:
    """All ways back, from the output on: for each place in the code, and for all places that call the same function."""
    groups: dict[tuple[Site, int], list[tuple[int, Edge]]] = {}
    for number, node in enumerate(tape.nodes):
        for edge in node.edges if node.site.path else ():  # what the check itself does with an output is right
            for site in dict.fromkeys((node.site, node.site.innermost)):
                groups.setdefault((site, edge.operand), []).append((number, edge))
    found = {(*(number for number, _ in group), key[1]): (key, group) for key, group in groups.items()}
    calls = Counter(site.innermost for site in {site for (site, _), _ in found.values()})
    every = []
    for (site, operand), group in found.values():
        numbers, edges = zip(*group, strict=True)
        within = f", in {site.caller}" if site.caller and calls[site.innermost] > 1 else ""
        every.append(Way(site, operand, numbers, edges, called(tape, site, numbers[-1], operand), within))
    return sorted(every, key=lambda way: -way.numbers[-1])


def called(tape: Tape, site: Site, number: int, operand: int) -> str:
    """The code of an operand; of a plain name also what it stands for: the target, or what was computed under it."""
    text, source = site.operand(operand), tape.nodes[number].operands.get(operand, -1)
    if source < 0 or not _NAME.fullmatch(text):
        return text
    name = tape.names.get(source, "")
    if name:
        return f"{text} (the {name})" if source not in tape.leaves.values() and name not in text else text
    made = tape.nodes[source].site.text_in(site)
    return f"{text} ({made})" if made.startswith("`") and made not in (text, site.text) else text


def goal_of(tape: Tape, way: Way) -> str:
    """The name of the tensor that a way leads to; "" if it is none."""
    return next((name for name, number in tape.leaves.items() if number == way.edges[0].parent), "")


def aligned(values: list[Array], count: int) -> list[Array]:
    """One for each time; empty if there are not as many, nor one for all."""
    return values if len(values) == count else values * count if len(values) == 1 else []


def around(arrays: list[Array], by: int) -> list[Array]:
    """For each time the array of another time, counted from one end round to the other."""
    return [arrays[(k - by) % len(arrays)] for k in range(len(arrays))]


def neighbours(arrays: list[Array], by: int) -> list[Array]:
    """For each time the array of another time, zeros where there is none."""
    count = len(arrays)
    return [arrays[k - by] if 0 <= k - by < count else np.zeros_like(arrays[k]) for k in range(count)]

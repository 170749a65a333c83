"""A bug is a class with one wrong line in it, told: its story, and the wrong line against the right one."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from mlp.nn.arrays import Array
from mlp.nn.layers import Layer
from mlp.nn.losses import Loss
from mlp.nn.network import Sequential

LOSS = "loss"


@dataclass(frozen=True)
class Bug:
    """A well-known wrong backward pass.

    Attributes:
        name: a short name, unique in the gallery; also what a link holds.
        story: how it comes about and why it goes unnoticed, in a sentence or two.
        wrong: the line of code that is wrong.
        right: the line that would be right.
        pattern: what the diagnosis calls it.
        replaces: the classes whose place the wrong one can take.
        make: builds the wrong layer or loss from the right one.
        fits: whether the bug can show in a layer with this input; the input is None for a loss.
    """

    name: str
    story: str
    wrong: str
    right: str
    pattern: str
    replaces: tuple[type, ...]
    make: Callable[[Any], Any]
    fits: Callable[[Any, Array], bool] = lambda _layer, _x: True


GALLERY: dict[str, Bug] = {}
"""The bugs by name: what the page lists, and what the diagnosis is tested on."""

Wrong = TypeVar("Wrong", bound=type[Any])


def bug(
    name: str,
    *,
    wrong: str,
    right: str,
    pattern: str,
    replaces: tuple[type, ...] = (),
    fits: Callable[[Any, Array], bool] = lambda _layer, _x: True,
) -> Callable[[Wrong], Wrong]:
    """Enter a class into the gallery; its docstring is the story.

    The other arguments are those of `Bug`; without `replaces`, those of the class.
    """

    def entered(make: Wrong) -> Wrong:
        story = " ".join((make.__doc__ or "").split())
        GALLERY[name] = Bug(name, story, wrong, right, pattern, replaces or make.replaces, make, fits)
        return make

    return entered


@dataclass(frozen=True)
class Planted:
    """A network and its loss with one bug in them.

    Attributes:
        bug: the bug.
        network, loss: the network and the loss, one of which has it.
        layer: the name of the layer that has it, or "loss".
    """

    bug: Bug
    network: Sequential
    loss: Loss
    layer: str


def places(bug: Bug, network: Sequential, loss: Loss, x: Array) -> tuple[str, ...]:
    """Where in a network a bug can be planted: the names of layers, or "loss"; none if it does not fit anywhere."""
    found = []
    for name, layer in network.layers.items():
        if isinstance(layer, bug.replaces) and bug.fits(layer, x):
            found.append(name)
        x = layer.apply(x)
    return (*found, LOSS) if isinstance(loss, bug.replaces) and bug.fits(loss, x) else tuple(found)


def plant(bug: Bug, network: Sequential, loss: Loss, place: str) -> Planted:
    """A copy of the network, or of the loss, that has the bug in this place; what is right is shared.

    Args:
        bug: the bug.
        network: a right network.
        loss: a right loss.
        place: one of `places`.
    """
    if place == LOSS:
        return Planted(bug, network, bug.make(loss), LOSS)
    infected = copy.copy(network)
    setattr(infected, place, bug.make(network.layers[place]))
    return Planted(bug, infected, loss, place)


def has_batch(_layer: Layer | Loss, x: Array) -> bool:
    """Whether there is more than one sample."""
    return x.ndim == 2 and len(x) > 1

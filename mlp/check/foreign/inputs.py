"""What every reading starts from: the inputs to try it on, and the attempt that it will be."""

from collections.abc import Callable, Iterator

from mlp.check.foreign import names, values, walk
from mlp.check.foreign.override import Override
from mlp.check.foreign.subjects import Subject
from mlp.check.foreign.theirs import Theirs
from mlp.check.foreign.trial import Attempt, attempt
from mlp.check.foreign.values import Layout
from mlp.nn.arrays import Array

Reading = Callable[[], Attempt]
_OWN_SIZES = 6


def inputs(override: Override, thing: Theirs = None) -> Iterator[tuple[Array, Layout]]:
    """The inputs to try: the one that GRADCHECK or the caller gives, else random ones in every layout.

    An object's weights say how many features it takes, if its sizes were not ours to choose.
    """
    given = override.input()
    if given is not None:
        batch = given.ndim > 1 and 1 not in given.shape[:2] and override.orientation != "single"
        yield given, Layout(f"as given, shape {given.shape}", override.orientation, given.shape, batch)
        return
    for layout in values.layouts(override.orientation):
        yield values.drawn(layout), layout
    sizes = {size for array in walk.arrays(thing).values() if array.ndim == 2 for size in array.shape}
    for size in sorted(sizes - {values.FEATURES})[:_OWN_SIZES]:
        for layout in values.layouts_of(size, override.orientation):
            yield values.drawn(layout), layout


def made(subject: Subject, x: Array, layout: Layout, override: Override, reduction: str = "") -> Reading:
    """The attempt that a subject and an input will be."""
    return lambda: attempt(subject, x, layout, override.pairs, reduction)


def is_upstream(name: str) -> bool:
    """Whether an argument of this name is the gradient dy that backward starts from."""
    return names.roles(name)[:1] == ("upstream",)

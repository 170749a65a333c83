"""What every reading starts from: the inputs to try it on, and the attempt that it will be."""

from collections.abc import Callable, Iterator
from typing import Any

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.interpret import samples
from mlp.user_code.interpret.samples import Layout
from mlp.user_code.interpret.trial import Attempt, attempt
from mlp.user_code.run import object_arrays
from mlp.user_code.run.subject import Subject
from mlp.user_code.settings import Override

Reading = Callable[[], Attempt]
_OWN_SIZES = 6


def inputs(override: Override, thing: Any = None) -> Iterator[tuple[Array, Layout]]:
    """The inputs to try: the one that GRADCHECK or the caller gives, else random ones in every layout.

    An object's weights say how many features it takes, if its sizes were not ours to choose.
    """
    given = override.input()
    if given is not None:
        batch = given.ndim > 1 and 1 not in given.shape[:2] and override.orientation != "single"
        yield given, Layout(f"as given, shape {given.shape}", override.orientation, given.shape, batch)
        return
    for layout in samples.layouts(override.orientation):
        yield samples.drawn(layout), layout
    sizes = {size for array in object_arrays.arrays(thing).values() if array.ndim == 2 for size in array.shape}
    for size in sorted(sizes - {samples.FEATURES})[:_OWN_SIZES]:
        for layout in samples.layouts_of(size, override.orientation):
            yield samples.drawn(layout), layout


def made(subject: Subject, x: Array, layout: Layout, override: Override, reduction: str = "") -> Reading:
    """The attempt that a subject and an input will be."""
    return lambda: attempt(subject, x, layout, override.pairs, reduction)


def is_upstream(name: str) -> bool:
    """Whether an argument of this name is the gradient dy that backward starts from."""
    return vocabulary.roles(name)[:1] == ("upstream",)

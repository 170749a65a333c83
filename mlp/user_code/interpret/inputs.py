"""What every reading starts from: the inputs to try it on."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.interpret import samples
from mlp.user_code.interpret.samples import Layout
from mlp.user_code.run import calls, object_arrays
from mlp.user_code.settings import Override

_OWN_SIZES = 6


def inputs(override: Override, thing: Any = None) -> Iterator[tuple[Array, Layout, Any]]:
    """The inputs to try, and what they are given as: what GRADCHECK says, else random ones in every layout.

    An object's weights say how many features it takes, if its sizes were not ours to choose.
    """
    arrays, form = override.inputs()
    if arrays:
        given = arrays["x"]
        batch = given.ndim > 1 and 1 not in given.shape[:2] and override.orientation != "single"
        layout = Layout(f"as given, shape {given.shape}", override.orientation, given.shape, batch)
        yield given, layout, form
        if np.array_equal(given, np.abs(np.rint(given))):
            yield given, layout._replace(words=f"as given, ids of shape {given.shape}", integers=True), form
        return
    for layout in samples.layouts(override.orientation):
        yield samples.drawn(layout), layout, "x"
    for size in [size for size in own_sizes(thing) if size != samples.FEATURES][:_OWN_SIZES]:
        for layout in samples.layouts_of(size, override.orientation):
            yield samples.drawn(layout), layout, "x"
    for layout in (one for one in samples.layouts(override.orientation) if one.batch and not one.integers):
        yield samples.drawn(layout), layout._replace(words=f"two of {layout.words}"), ["x", "x.1"]


def own_sizes(thing: Any) -> list[int]:
    """The sizes that an object may have chosen itself: those of its weights, and defaults of its constructor."""
    sizes = {size for array in object_arrays.arrays(thing).values() if array.ndim >= 2 for size in array.shape}
    sizes |= {one.default for one in calls.parameters_of(type(thing)) if type(one.default) is int and one.default > 1}
    return sorted(sizes)


def is_upstream(name: str) -> bool:
    """Whether an argument of this name is the gradient dy that backward starts from."""
    return vocabulary.roles(name)[:1] == ("upstream",)

"""What every reading starts from: the inputs to try it on, and what they are given as, an array or a dict of it."""

import ast
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from mlp.nn.arrays import Array
from mlp.user_code import vocabulary
from mlp.user_code.interpret import samples
from mlp.user_code.interpret.samples import Layout
from mlp.user_code.run import calls, object_arrays, sources
from mlp.user_code.run.sources import attributes_of_self, syntax
from mlp.user_code.run.uses import PLAIN, uses_of
from mlp.user_code.settings import Override

_OWN_SIZES = 6


def inputs(override: Override, thing: Any = None) -> Iterator[tuple[Array, Layout, Any]]:
    """The inputs to try, and what they are given as: what GRADCHECK says, else random ones in every layout.

    An object's weights say how many features it takes, if its sizes were not ours to choose. Whole numbers come behind
    all others: they have no gradient, and much code that is not made for them would take them.
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
    sizes = [samples.FEATURES, *(size for size in own_sizes(thing) if size != samples.FEATURES)]
    whole = [one for one in samples.layouts(override.orientation) if one.integers]
    for size in sizes[: 1 + _OWN_SIZES]:
        real = (one for one in samples.layouts(override.orientation, size) if not one.integers)
        yield from ((samples.drawn(one), one, "x") for one in real)
    for shape in _own_shapes(thing):
        layout = Layout("images of the shape that is its default", "rows", (2, *shape), True)
        yield samples.drawn(layout), layout, "x"
    yield from ((samples.drawn(one), one, "x") for one in whole)
    for layout in (one for one in samples.layouts(override.orientation) if one.batch and not one.integers):
        yield samples.drawn(layout), layout._replace(words=f"two of {layout.words}"), ["x", "x.1"]


def own_sizes(thing: Any) -> list[int]:
    """The sizes that an object may have chosen itself: those of its weights, and defaults of its constructor."""
    held = [array for array in object_arrays.arrays(thing).values() if array.ndim]
    matrices = [array for array in held if array.ndim > 1]
    sizes = {size for array in matrices or held for size in array.shape if size > 1 or matrices}
    sizes |= {one.default for one in calls.parameters_of(type(thing)) if type(one.default) is int and one.default > 1}
    return sorted(sizes)


def _own_shapes(thing: Any) -> list[tuple[int, ...]]:
    """The shapes of an image that its constructor has as defaults."""
    defaults = [one.default for one in calls.parameters_of(type(thing))]
    return [one for one in defaults if isinstance(one, tuple) and len(one) == 3 and all(type(n) is int for n in one)]


def numbers_named(function: Callable[..., Any], name: str) -> int:
    """How many numbers an argument holds of which each is taken by its place, x[0] and x[1]; 0 for any other use."""
    nodes = list(ast.walk(syntax(function)))
    taken = [one for one in nodes if isinstance(one, ast.Subscript) and ast.unparse(one.value) == name]
    places = [one.slice.value for one in taken if isinstance(one.slice, ast.Constant)]
    numbers = [one for one in places if isinstance(one, int) and one >= 0]
    uses = sum(isinstance(one, ast.Name) and one.id == name for one in nodes)
    return 1 + max(numbers) if numbers and len(numbers) == uses else 0


def handed_over(thing: Any, forward: Callable[..., Any], backward: Callable[..., Any]) -> dict[str, str]:
    """The attributes by which an object is handed what its methods do not take, and the words for it: x and dy."""
    reads, sets = attributes_of_self(getattr(forward, "__func__", forward))
    missing = [name for name in dict.fromkeys(reads) if getattr(thing, name, None) is None and name not in sets]
    given = [name for name in missing if "input" in vocabulary.roles(name)]
    found = {} if calls.parameters_of(forward) or not given else {given[0]: "x"}
    if not any(is_upstream(one.name) for one in calls.parameters_of(backward)):
        reads, sets_back = attributes_of_self(getattr(backward, "__func__", backward))
        kept = {*sets, *sets_back}
        missing = [name for name in dict.fromkeys(reads) if getattr(thing, name, None) is None and name not in kept]
        found |= dict.fromkeys([name for name in missing if is_upstream(name)][:1], "dy")
    return found


def is_upstream(name: str) -> bool:
    """Whether an argument of this name is the gradient dy that backward starts from."""
    return vocabulary.roles(name)[:1] == ("upstream",)


_ARRAY = ("data", "x", "value", "values", "array", "tensor", "input", "output", "out")


def form_of_input(
    function: Callable[..., Any], backward: Callable[..., Any] | None, shape: tuple[int, ...], plain: Any
) -> Any:
    """What forward's input is given as, in the words of GRADCHECK: `plain`, or a dict with the keys it asks for."""
    names = calls.parameters_named(function)
    if plain != "x" or not names or not keys_asked(function, names[0]):
        return plain
    keys = [*keys_asked(function, names[0]), *(keys_asked(backward, names[0]) if backward else [])]
    return _around(keys, "x", shape)


class OfDicts(NamedTuple):
    """What backward is given that is a dict: its settings, the outputs whose gradients are in one, what was guessed."""

    settings: dict[str, Any]
    outputs: tuple[str, ...] = ()
    guessed: tuple[str, ...] = ()


def dicts_of_backward(
    forward: Callable[..., Any], backward: Callable[..., Any] | None, x: Array, arrays: Mapping[str, Array]
) -> OfDicts:
    """The arguments of backward that are dicts: around dy, with what else it asks for, and the runs of time steps.

    One that holds what forward returns is this run, or the one before, of which forward is given some; one that holds
    what backward returns is the run behind, from which nothing comes here.
    """
    known = calls.parameters_named(forward)
    upstream = calls.upstream_names(backward, known)[:1] if backward else []
    given, gone = sources.returned_keys(forward), sources.returned_keys(backward)
    states_in = {key for name in known for key in keys_asked(forward, name)}
    states = [array for name, array in arrays.items() if vocabulary.roles(name)[:1] == ("state",)]
    none = np.zeros_like(next(iter(states), x))
    settings: dict[str, Any] = {}
    outputs: tuple[str, ...] = ()
    for name in calls.parameters_named(backward) if backward else ():
        keys = keys_asked(backward, name)
        if not keys or (name in known and name not in upstream):
            continue
        if name in upstream and {*keys} <= {*given}:
            outputs = tuple(dict.fromkeys([*keys, *(key for key in given if key in states_in)]))  # c too, beside h
            settings[name] = {key: f"dy.{i}" if i else "dy" for i, key in enumerate(outputs)}
        elif name in upstream:
            settings[name] = _around(keys, "dy", x.shape)
        elif {*keys} <= {*gone} or ("next" in name and {*keys} <= {*given}):
            settings[name] = dict.fromkeys(keys, none)
        elif {*keys} <= {*given}:
            settings[name] = {key: key for key in keys} if "prev" in name and {*keys} <= {*known} else "cache"
    return OfDicts(settings, outputs, tuple(name for name in settings if name not in upstream))


def _around(keys: list[str], word: str, shape: tuple[int, ...]) -> dict[str, Any]:
    """A dict of these keys: one holds the array, those for y hold y, the others sizes."""
    marked = [key for key in keys if vocabulary.is_mark(key) or vocabulary.roles(key)[:1] == ("upstream",)]
    arrays = [key for key in keys if key in _ARRAY]
    main = next(iter([*marked, *arrays] if word == "dy" else [*arrays, *keys]), keys[0])
    sizes = {key: (shape or (1,))[0 if "batch" in key.lower() else -1] for key in keys}
    return {key: word if key == main else "y" if key in arrays else sizes[key] for key in dict.fromkeys(keys)}


def keys_asked(function: Callable[..., Any] | None, argument: str) -> list[str]:
    """The keys of an argument that a function asks for, or one that it calls, where it is called the same.

    Of a dict that is gone through, whatever its keys are, some.
    """
    uses = [uses_of(one) for one in given_to(function, argument)]
    keys = list(dict.fromkeys(key for one in uses for key in one.keys(argument)))
    return keys or ["x"] * any({"items", "values"} & {*one.methods(argument)} for one in uses)


def is_asked_for_draws(function: Callable[..., Any], argument: str) -> bool:
    """Whether methods are called on an argument that no array has, and none that a container has."""
    methods = {method for one in given_to(function, argument) for method in uses_of(one).methods(argument)} - {""}
    return bool(methods) and not methods & PLAIN


def given_to(function: Callable[..., Any] | None, argument: str) -> list[Callable[..., Any]]:
    """A function, and what it calls of theirs that has an argument of the same name."""
    plain = getattr(function, "__func__", function)
    called = map(plain.__globals__.get, plain.__code__.co_names) if isinstance(plain, FunctionType) else ()
    alike = [one for one in called if isinstance(one, FunctionType) and argument in calls.parameters_named(one)]
    return [one for one in (plain, *alike) if one is not None]

"""Faults that are one wrong way back through forward's own operations, in the words of its code."""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from mlp.check.compare import compare_gradients
from mlp.check.diagnosis.changes import VALUES
from mlp.check.diagnosis.hypotheses import Hypothesis, Prediction
from mlp.check.diagnosis.ingredients import recorded_factors
from mlp.check.diagnosis.isolated_layer import APART, EPS, LEFT, SMALL, IsolatedLayer, Role
from mlp.check.diagnosis.origins import known_factor
from mlp.check.diagnosis.substitutions import are_parallel, scaled
from mlp.check.diagnosis.way_back.arrays import NOT_TRANSPOSED, TERM
from mlp.check.diagnosis.way_back.changed import CHANGED, UPDATED, arrivals, departures
from mlp.check.diagnosis.way_back.layers import PASSED_OVER, TWICE
from mlp.check.diagnosis.way_back.loops import WEIGHT
from mlp.check.diagnosis.way_back.steps import CHOICE, CONSTANT, LEFT_OUT_OF_ONE, MASK, NUMBER
from mlp.check.diagnosis.way_back.ways import LEFT_OUT, Slip, ways
from mlp.check.diagnosis.way_back.windows import WINDOWS
from mlp.check.tape.tape import Rule
from mlp.differences.methods import CENTRAL
from mlp.nn.arrays import Array
from mlp.nn.problem import as_problem

_MOST_PAIRS = 20
_MOST_STEPS = 5_000  # on the ways back with two slips, one after another
_FEWEST = 4  # numbers that two steps are to explain
_LARGEST = 1e3
_BY_ANOTHER_NAME = (
    "another array",
    "another's gradient",
    NUMBER,
)  # where they give a multiple, that is a constant factor
_HALVINGS = 40


Predict = Callable[[IsolatedLayer, str, Sequence[Slip]], Iterator[Prediction]]


def _among(pattern: str, sentence: str, predict: Predict, with_changes: bool = False) -> Hypothesis:
    """The hypothesis with what is predicted from all slips; on another input from those of the same words."""
    return Hypothesis(
        pattern,
        sentence,
        lambda case, tensor: predict(case, tensor, case.slips("", with_changes)),
        again=lambda case, tensor, known: predict(case, tensor, case.slips(known.key, with_changes)),
    )


def _slip(pattern: str, sentence: str) -> Hypothesis:
    """The hypothesis that a slip of this pattern was made."""

    def predict(case: IsolatedLayer, tensor: str, slips: Sequence[Slip]) -> Iterator[Prediction]:
        for slip in slips:
            if slip.pattern != pattern or tensor not in slip.gradients:
                continue
            if pattern not in _BY_ANOTHER_NAME or not are_parallel(slip.gradients[tensor], case.right(tensor)):
                yield Prediction(slip.gradients[tensor], slip.words, key=slip.words)

    return _among(pattern, sentence, predict)


def _weighed(case: IsolatedLayer, tensor: str, slips: Sequence[Slip]) -> Iterator[Prediction]:
    """What goes back one way, or two ways that have nothing to do with each other, counts another time than once."""
    right, said = case.right(tensor), case.said[tensor]
    left_out = [slip for slip in slips if slip.pattern == LEFT_OUT and tensor in slip.gradients]
    if said.shape != right.shape or not np.all(np.isfinite(said)) or not left_out:
        return
    parts = np.array([(right - slip.gradients[tensor]).ravel() for slip in left_out])
    more = (said - right).ravel()
    whole = float(np.sum(np.square(right)))
    some = [  # a factor for all of it has its own name
        k for k, part in enumerate(parts) if min(part @ part, np.sum(np.square(right.ravel() - part))) > LEFT * whole
    ]
    yield from _powers(case, tensor, [left_out[k] for k in some])
    found = [one for one in (*_ones(parts, more), *_twos(parts, more)) if all(k in some for k in one[0])]
    accounts = []
    for chosen, added in found:
        weights = _weights(case, tensor, [left_out[k] for k in chosen], parts[list(chosen)], added)
        if weights:
            model = right + ((np.array(added) - 1) @ parts[list(chosen)]).reshape(right.shape)
            told = [_counts(case, left_out[k].words, weight) for k, weight in zip(chosen, weights, strict=True)]
            key = "\n".join(left_out[k].words for k in chosen)
            accounts.append(Prediction(model, ", and ".join(told), _fitted(weights), weights, key))
    accounts.sort(key=lambda one: (len(one.values), one.fitted, _odd(one.values)))
    for one in accounts:
        # Further on along the same ways the same numbers say the same.
        others = (other for other in accounts if len(other.values) == 2 and other.fitted <= one.fitted)
        other = next((other for other in others if not np.allclose(sorted(other.values), sorted(one.values))), one)
        yield replace(one, rival=other.measured if other is not one and len(one.values) == 2 else "")


def _weights(
    case: IsolatedLayer, tensor: str, some: Sequence[Slip], parts: Array, added: tuple[float, ...]
) -> tuple[float, ...]:
    """How many times one or two ways count of whose parts so many are added; none if that cannot be told.

    A way that leads on from another one has the other's weight too.
    """
    if len(some) < 2:
        return added
    both = next(case.slips_together([one.words for one in some]), None)
    if both is None:
        return ()
    shared = parts.sum(axis=0) - (case.right(tensor) - both[tensor]).ravel()  # what goes through one and the other
    size, (first, second) = float(np.linalg.norm(parts)), added
    if np.linalg.norm(shared) <= LEFT * size:
        return added
    if first and np.linalg.norm(shared - parts[1]) <= LEFT * size:
        return first, 1 + (second - 1) / first
    if second and np.linalg.norm(shared - parts[0]) <= LEFT * size:
        return 1 + (first - 1) / second, second
    return ()


def _odd(weights: Sequence[float]) -> int:
    """How many of these are neither a whole number nor one over one."""
    return sum(all(abs(one - np.round(one)) > APART for one in (w, 1 / w)) for w in weights if w)


def _powers(case: IsolatedLayer, tensor: str, left_out: Sequence[Slip]) -> Iterator[Prediction]:
    """One way back counts as many times as some power of what forward computes."""
    right, more = case.right(tensor), case.said[tensor] - case.right(tensor)
    known = [one for one in recorded_factors(case, right.shape) if np.all(one.value > 0)]
    for slip in left_out if known else ():
        part = right - slip.gradients[tensor]
        there = np.abs(part) > LEFT * np.max(np.abs(part))
        times = 1 + more[there] / part[there]
        if not np.all(times > 0) or np.any(np.abs(more[~there]) > np.abs(more).max() * LEFT):
            continue
        for words, value in known:
            logs = np.log(value[there])
            power = np.round(2 * float(np.log(times) @ logs) / float(logs @ logs)) / 2
            model = right + (value**power - 1) * part
            if power and np.linalg.norm(model - case.said[tensor]) < LEFT * np.linalg.norm(more):
                counted = slip.words.replace("nothing goes back", "what goes back").removesuffix(CONSTANT)
                told = f"{counted} has the factor {words} to the power of {power:g} too much"
                yield Prediction(model, told, 1, (power,), slip.words)


def _fitted(weights: Sequence[float]) -> int:
    """How many of these are no plain numbers: all or nothing."""
    return sum(abs(weight) > APART for weight in weights)


def _counts(case: IsolatedLayer, words: str, weight: float) -> str:
    """How many times it counts of which no part goes back, according to these words."""
    if abs(weight) < APART:
        return words
    counted = words.replace("nothing goes back", "what goes back").removesuffix(CONSTANT)
    return f"{counted} counts {weight:.6g} times{known_factor(case, weight)}"


def _ones(parts: Array, more: Array) -> Iterator[tuple[tuple[int, ...], tuple[float, ...]]]:
    """The parts of which a multiple is added, and how many times each then counts in all."""
    sizes, sides = np.sum(np.square(parts), axis=1), parts @ more
    rest = more @ more - sides**2 / np.where(sizes > 0, sizes, 1)
    for k in np.flatnonzero(rest < LEFT * (more @ more)).tolist():
        yield (k,), (1 + float(sides[k] / sizes[k]),)


def _twos(parts: Array, more: Array) -> Iterator[tuple[tuple[int, ...], tuple[float, ...]]]:
    """The same of two parts."""
    products, sides = parts @ parts.T, parts @ more
    sizes = np.diag(products)
    apart = sizes[:, None] * sizes - products**2
    is_apart = apart > LEFT * sizes[:, None] * sizes
    apart = np.where(is_apart, apart, 1)
    first = (sides[:, None] * sizes - sides * products) / apart
    rest = more @ more - first * sides[:, None] - first.T * sides
    for one, other in np.argwhere(np.triu(is_apart & (rest < LEFT * (more @ more)), 1))[:_MOST_PAIRS].tolist():
        yield (one, other), (1 + float(first[one, other]), 1 + float(first[other, one]))


def _two_steps(case: IsolatedLayer, tensor: str, slips: Sequence[Slip]) -> Iterator[Prediction]:
    """Two slips at once, of which the changes add up."""
    right, said = case.right(tensor), case.said[tensor]
    if said.shape != right.shape or said.size < _FEWEST or not np.all(np.isfinite(said)):
        return
    more, size = (said - right).ravel(), float(np.linalg.norm(said - right))
    some: dict[bytes, tuple[Slip, Array]] = {}
    everywhere: dict[bytes, Slip] = {}  # of slips that are the same in this tensor the one that shows in most others
    for slip in slips:
        if slip.gradients.get(tensor, np.zeros(0)).shape == right.shape and "{}" not in slip.words:
            change = (slip.gradients[tensor] - right).ravel()
            if size * LEFT < float(np.linalg.norm(change)) < _LARGEST * size:
                key = np.round(change / size, 6).tobytes()
                some.setdefault(key, (slip, change))
                everywhere[key] = slip
    if not some:
        return
    found, parts = [slip for slip, _ in some.values()], np.array([change for _, change in some.values()])
    own, sides, products = np.sum(np.square(parts), axis=1), parts @ more, parts @ parts.T
    rest = size**2 + own[:, None] + own - 2 * (sides[:, None] + sides - products)
    for one, other in np.argwhere(np.triu(rest < (LEFT * size) ** 2, 1))[:_MOST_PAIRS].tolist():
        words = [found[one].words, found[other].words]
        for both in case.slips_together(words):  # of which one may be on the other's way
            yield Prediction(both[tensor], ", and ".join(words), key="\n".join(words))
    edges = sum(len(parents) for parents in case.tape.ways) if case.tape else 1
    for one_way, other_way in _ON_ONE_WAY:  # which do not add up
        first = [slip for slip in (*found, *everywhere.values()) if slip.pattern == one_way]
        pairs = itertools.product(first, [slip for slip in found if slip.pattern == other_way])
        for pair in itertools.islice(pairs, _MOST_STEPS // max(1, edges)):
            words = [slip.words for slip in pair]
            for both in case.slips_together(words):
                yield Prediction(both[tensor], ", and ".join(words), key="\n".join(words))


_ON_ONE_WAY = (
    ("derivative missing", LEFT_OUT),
    ("derivative missing", NOT_TRANSPOSED),
    ("overwritten", WINDOWS),
)


def _terms_weighed(case: IsolatedLayer, tensor: str, slips: Sequence[Slip]) -> Iterator[Prediction]:
    """The two terms of a sum that a derivative is computed from do not count alike."""
    said, right = case.said[tensor].astype(np.float64), case.right(tensor)
    alone = [slip for slip in slips if slip.pattern == TERM and tensor in slip.gradients]
    if said.shape != right.shape or said.size < _FEWEST or not np.all(np.isfinite(said)):
        return
    for one, other in ((one, other) for one, other in itertools.pairwise(alone) if one.goal == other.goal):
        first, second = one.gradients[tensor], other.gradients[tensor]
        if not np.linalg.norm(first + second - right) <= LEFT * np.linalg.norm(right):
            continue  # it is not linear in the sum, there is more in it, or one term alone gives no number
        columns = np.stack([first.ravel(), second.ravel()], axis=1)
        weights = np.linalg.lstsq(columns, said.ravel(), rcond=None)[0].tolist()
        key = f"{one.words}\n{other.words}"
        names = [slip.words.removesuffix(f" in {slip.goal}") for slip in (one, other)]
        if min(map(abs, weights)) > APART and abs(weights[0] - weights[1]) > APART:
            told = [
                f"{name} counts {weight:.6g} times{known_factor(case, weight)}"
                for name, weight in zip(names, weights, strict=True)
                if abs(weight - 1) > APART
            ]
            words = f"in {one.goal}, {' and '.join(told)}"
            yield Prediction((columns @ weights).reshape(right.shape), words, 0, tuple(weights), key)
        for words, value in recorded_factors(case, right.shape):
            for power, done in ((1, "multiplied with"), (-1, "divided by")) if np.all(value) else ():
                for place, name in enumerate(names):
                    factors = [value ** float(power) if k == place else 1.0 for k in (0, 1)]
                    where = f"in {one.goal}, {name} alone is {done} {words}"
                    yield Prediction(factors[0] * first + factors[1] * second, where, 0, (place, power), key)


def _partly(pattern: str) -> Predict:
    """What a slip of this pattern does, done in part, or several times."""

    def predict(case: IsolatedLayer, tensor: str, slips: Sequence[Slip]) -> Iterator[Prediction]:
        said, right = case.said[tensor], case.right(tensor)
        for slip in slips:
            if slip.pattern == pattern and tensor in slip.gradients and said.shape == right.shape:
                more = slip.gradients[tensor] - right
                times = float(np.sum((said - right) * more) / np.sum(np.square(more))) if np.any(more) else 0.0
                words = slip.words.replace("{}", f"{times:.6g}")
                words = words.replace("is missing", f"is {times:.6g} where it should be zero, as of a leak")
                yield Prediction(right + times * more, words, 1, (times,), slip.words)

    return predict


def _masked(case: IsolatedLayer, tensor: str, slips: Sequence[Slip]) -> Iterator[Prediction]:
    """Right but for the entries that are zero: what goes through a mask, or through a corner, goes by another one."""
    said, right = case.said[tensor], case.right(tensor)
    if said.shape != right.shape or not np.any(said) or np.all(said):
        return
    is_open = said != 0
    open_too, shut_too = int(np.sum(is_open & (right == 0))), int(np.sum(~is_open & (right != 0)))
    counts = f"{open_too} entries pass that should not, and {shut_too} do not that should"
    for slip in slips if open_too or shut_too else ():
        if slip.pattern in ("derivative missing", MASK) and tensor in slip.gradients:
            passed = np.where(is_open, slip.gradients[tensor], 0.0)
            factor = float(np.sum(said * passed) / (np.sum(np.square(passed)) or 1.0))
            is_one = abs(factor - 1) < APART
            words = f"{slip.words.replace(' is missing', ' is another mask')}: {counts}"
            words += "" if is_one else f"; what passes counts {factor:.4g} times"
            values = () if is_one else (factor,)
            yield Prediction(factor * passed, words, open_too + shut_too + 1 + len(values), values, slip.words)


def _chosen(case: IsolatedLayer, tensor: str, slips: Sequence[Slip]) -> Iterator[Prediction]:
    """Each entry goes back by one of two choices, but not by that of forward."""
    said, right = case.said[tensor], case.right(tensor)
    groups: dict[str, list[Slip]] = {}
    for slip in slips:
        if slip.pattern == CHOICE and slip.gradients.get(tensor, np.zeros(0)).shape == said.shape == right.shape:
            groups.setdefault(slip.goal, []).append(slip)
    for goal, (one, other, *_) in ((goal, some) for goal, some in groups.items() if len(some) > 1):
        first, second = one.gradients[tensor], other.gradients[tensor]
        model = np.where(np.abs(said - first) <= np.abs(said - second), first, second)
        count = int(np.sum(np.abs(model - right) > LEFT * np.max(np.abs(right))))
        words = f"{goal} goes back by its other choice in {count} entries, as by another condition"
        yield Prediction(model, words, count + 1, (), f"{one.words}\n{other.words}")


def _changed(case: IsolatedLayer, tensor: str, slips: Sequence[Slip]) -> Iterator[Prediction]:
    """Something is done to an array on the way back; and maybe all of it has a factor."""
    for slip in slips:
        for one in scaled(case, tensor, slip.gradients[tensor], slip.words) if tensor in slip.gradients else ():
            # Else it is a factor, by another name.
            if slip.pattern == CHANGED and not are_parallel(slip.gradients[tensor], case.right(tensor)):
                yield one


def _clipped(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """Right for a small dy, and what arrives at some operation is cut off; the limit is found by halving."""
    if case.tape and case.is_right_for_small_dy(tensor):
        right, said = case.right(tensor), case.said[tensor]
        for arrival in (*arrivals(case.tape), *departures(case.tape)):
            low, high = 0.0, case.largest_at(arrival)
            for _ in range(_HALVINGS):
                limit = (low + high) / 2
                model = case.with_limit(arrival, limit)[tensor]
                low, high = (low, limit) if np.sum((model - said) * (right - said)) > 0 else (limit, high)
            yield Prediction(
                model,
                f"{arrival.name} is cut off at {limit:.6g}{arrival.goal}",
                1,
                (limit,),
                arrival.name + arrival.goal,
            )


def _whole_numbers(case: IsolatedLayer, tensor: str) -> Iterator[Prediction]:
    """All that is said are whole numbers: what one operation goes back with is rounded to such, as by //."""
    said, tape = case.said[tensor], case.tape
    if tape is None or not np.any(said) or not np.array_equal(np.round(said), said):
        return
    every = [(way, words, rounded) for way in ways(tape) for words, rounded in _TO_WHOLE if not way.is_buffer]
    rules = [way.ruled(_pulled_and(rounded)) for way, _, rounded in every]
    for (way, words, _), gradients in zip(every, tape.changed(case.seed(tape), rules), strict=True):
        if tensor in gradients:
            told = f"what goes back {way.words} is {words}"
            yield Prediction(gradients[tensor], told, key=told)


def _pulled_and(change: Callable[[Array], Array]) -> Rule:
    return lambda edge, gradient: change(edge.pull(gradient))


_TO_WHOLE: tuple[tuple[str, Callable[[Array], Array]], ...] = (
    ("rounded down to whole numbers, as by //", np.floor),
    ("cut off to whole numbers, as in an array of integers", np.trunc),
    ("rounded to whole numbers", np.round),
)


def _clipped_again(case: IsolatedLayer, tensor: str, known: Prediction) -> Iterator[Prediction]:
    for arrival in (*arrivals(case.tape), *departures(case.tape)) if case.tape else ():
        if arrival.name + arrival.goal == known.key:
            yield replace(known, gradient=case.with_limit(arrival, known.values[0])[tensor])


ON_THE_WAY: tuple[Hypothesis, ...] = (
    _among(
        UPDATED,
        "{tensor} is computed with numbers that have been updated already: {measured}. Compute all gradients first, "
        "and update afterwards, outside backward.",
        _partly(UPDATED),
        with_changes=True,
    ),
    Hypothesis(
        "clipped",
        "{tensor} is right where dy is small, but clipped: {measured}. Clipping belongs into the update, not into "
        "backward.",
        _clipped,
        again=_clipped_again,
    ),
    _among(CHANGED, "{tensor} is made of something else: {measured}.", _changed, with_changes=True),
)

TERMS_WEIGHED = _among(
    "bracket misplaced",
    "{tensor} does not count both terms of a sum alike, as of a bracket in the wrong place: {measured}.",
    _terms_weighed,
)

_EVERY_WAY = "{tensor} does not count every way back once: {measured}."

SLIPS: tuple[Hypothesis, ...] = (
    Hypothesis("integer gradient", "{tensor} holds whole numbers only: {measured}.", _whole_numbers),
    _slip(LEFT_OUT, "{tensor} lacks a path of the chain rule: {measured}."),
    _slip("sign of a path", "{tensor} has one sign wrong: {measured}."),
    _slip("derivative missing", "{tensor} lacks a derivative: {measured}."),
    _slip(MASK, "{tensor} lacks a derivative: {measured}."),
    _slip(NUMBER, "{tensor} lacks a number of forward: {measured}."),
    _slip("wrong derivative", "{tensor} has something else where a derivative should stand: {measured}."),
    _slip("wrong factor", "{tensor} is right but for a factor: {measured}."),
    _slip("mean or sum", "{tensor} takes a mean for a sum, or a sum for a mean: {measured}."),
    _slip("wrong axis", "{tensor} adds up along the wrong axis: {measured}."),
    _slip(PASSED_OVER, "{tensor} is made as if a layer were not there: {measured}."),
    _slip("wrong order", "{tensor} goes through a loop in the wrong order: {measured}."),
    _slip("overwritten", "{tensor} is overwritten where it should be added up: {measured}."),
    _slip("steps left out", "{tensor} does not add up over all steps: {measured}."),
    _slip(WINDOWS, "{tensor} has its windows in other places than forward: {measured}."),
    _slip("sent elsewhere", "{tensor} has dy in other entries than it should: {measured}."),
    _slip("bracket misplaced", "{tensor} has a bracket in the wrong place: {measured}, and the rest outside of it."),
    _slip("another array", "{tensor} is computed from another array: {measured}."),
    _slip("another's gradient", "{tensor} is made of another gradient: {measured}."),
    _slip(LEFT_OUT_OF_ONE, "{tensor} lacks a path of the chain rule: {measured}."),
    _slip(TWICE, "{tensor} is made as if a layer were there twice: {measured}."),
    _slip(CHOICE, "{tensor} does not choose as forward does: {measured}."),
    _among(CHOICE, "{tensor} does not choose as forward does: {measured}.", _chosen),
    TERMS_WEIGHED,
    _slip(WEIGHT, _EVERY_WAY),
    _among(WEIGHT, _EVERY_WAY, _weighed),
    _among("another mask", "{tensor} has more in it than it should: {measured}.", _partly(MASK)),
    _among("another mask", "{tensor} is zero in other entries than it should: {measured}.", _masked),
)


def _with_another_dy(case: IsolatedLayer, tensor: str, known: Prediction | None = None) -> Iterator[Prediction]:
    """Something is done to dy, and on the way back one step is wrong as well.

    What is done to dy twice, such as to leave its signs out, is the same as once: so backward says the same of both.
    """
    told, _, line = known.key.partition("\n") if known else ("", "", "")
    dy, right, said = np.asarray(case.dy, np.float64), case.right(tensor), case.said[tensor]
    for words, change in VALUES if _is_repeated(case, tensor) else ():
        with np.errstate(all="ignore"):
            other = change(dy)
        is_told = told in ("", words) and np.all(np.isfinite(other)) and not np.array_equal(other, dy)
        again = case.said_for(other).get(tensor) if is_told else None
        if again is None or again.shape != said.shape or not np.allclose(again, said, rtol=1e-9, atol=0):
            continue
        twin = _of_other_dy(case, other)
        for slip in twin.slips(line) if not np.allclose(twin.right(tensor), right) else ():
            if tensor in slip.gradients:
                named = f"{words.replace('{}', 'dy')} stands where dy should, and {slip.words}"
                yield Prediction(slip.gradients[tensor], named, key=f"{words}\n{slip.words}")


def _is_repeated(case: IsolatedLayer, tensor: str) -> bool:
    """Whether a backward is at hand that says this of a layer's tensor again, in the right shape."""
    said, dy = case.said[tensor], np.asarray(case.dy)
    is_layer = case.role is not Role.LOSS and said.shape == case.right(tensor).shape
    return is_layer and np.array_equal(case.said_for(dy).get(tensor, np.zeros(0)), said)


def _of_other_dy(case: IsolatedLayer, dy: Array) -> IsolatedLayer:
    problem = as_problem(case.function, case.loss, case.x, dy)
    return replace(case, dy=dy, checked=functools.partial(compare_gradients, problem, EPS, CENTRAL))


def _not_linear(case: IsolatedLayer, tensor: str, known: Prediction | None = None) -> Iterator[Prediction]:
    """For a small dy there is one step wrong, and for this one it is not as many times as much: it is clipped too."""
    dy, said = SMALL * np.asarray(case.dy, np.float64), case.said[tensor]
    if not _is_repeated(case, tensor) or case.is_right_for_small_dy(tensor):
        return
    once, twice = (case.said_for(times * dy).get(tensor, np.zeros(0)) for times in (1, 2))
    size = float(np.linalg.norm(once))
    is_linear = once.shape == twice.shape == said.shape and np.linalg.norm(twice - 2 * once) <= LEFT * size
    if not is_linear or np.linalg.norm(said - once / SMALL) <= APART * size / SMALL:
        return
    for slip in _of_other_dy(case, dy).slips(known.key if known else ""):
        if tensor in slip.gradients and np.linalg.norm(slip.gradients[tensor] - once) <= LEFT * size:
            words = "and where it is larger it is not as many times as much, as where something is clipped as well"
            told = f"where dy is small, {slip.words}; {words}"
            yield Prediction(said, told, 1, (), slip.words, is_computed=False)


ANOTHER_DY = tuple(
    Hypothesis("two faults", "{tensor} has two faults at once: {measured}.", predict, again=predict)
    for predict in (_with_another_dy, _not_linear)
)

TWO_STEPS = _among("two steps", "{tensor} has two steps wrong: {measured}.", _two_steps)

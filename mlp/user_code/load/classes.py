"""What a class of theirs is: a layer, a loss, a function with its derivative, or none of our business."""

import ast
import dis
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from mlp.user_code import vocabulary
from mlp.user_code.interpret.losses import is_loss, sound
from mlp.user_code.run.calls import parameters_of, required, takes_rate
from mlp.user_code.run.sources import attributes_of_self, return_values, syntax
from mlp.user_code.settings import Override

_LOSS_NAME = re.compile(
    r"loss|cost|entropy|criterion|(^|_)(mse|mae|bce|cce|ce|nll|sse|rmse)($|_)|squared_?error|hinge|huber", re.IGNORECASE
)
_PART = re.compile(
    r"(backward|backprop|bprop|back|grad)_"
    r"(?P<of>(\w+_)?(delta|errors?|inputs?|x|dx|w|b|weights?|bias(es)?|param(eter)?s?|grad(ient)?s?))",
    re.IGNORECASE,
)
_OF_PARAMETERS = re.compile(r"w(?!rt)|b$|bias|param|update|grad(?!_?(input|x))", re.IGNORECASE)
_MODEL = ("train", "fit", "predict", "evaluate", "SGD", "sgd")
_NO_LAYER = re.compile(r"optim|sgd|adam|trainer|dataset|dataloader|scheduler|metric|initiali[sz]er", re.IGNORECASE)


class Kind(NamedTuple):
    """What a class is and the names of its two methods; `backward` is "" where there is none."""

    kind: str
    forward: str
    backward: str


def kind_of(cls: type, override: Override) -> Kind | None:
    """Tell a class's kind from its name and methods, None if it is nothing to check."""
    if (
        not override.forward
        and not override.backward
        and (both := _loss_with_gradients(cls, returns_loss_and_gradients))
    ):
        return Kind("loss", both, both)
    called = [name for name in ("forward", "__call__") if _has(cls, name)] or ["loss"] * _has(cls, "loss")
    called = [override.forward] if override.forward else called
    likely = sounds_like_loss(cls.__name__) or sounds_like_loss(override.forward)
    loss = likely or any(is_loss(_bound(cls, name)) for name in called)
    marked = _marked(cls)
    forward = override.forward or _first(cls, vocabulary.VALUE if loss else vocabulary.FORWARD)
    unwritten = [name for name in _called(cls, vocabulary.FORWARD) if is_hollow(inspect.getattr_static(cls, name))]
    if marked[0] and (not forward or (unwritten and forward not in vars(cls))):
        forward = marked[0]
    said = next(iter(override.steps("")))
    backward = said or (forward != marked[0] or not marked[1]) * _first(
        cls, vocabulary.DERIVATIVE if loss else vocabulary.BACKWARD, besides=forward
    )
    backward = backward or (marked[1] if forward == marked[0] else "")
    backward = said or _beside_update(cls, backward) or _train_step(cls, forward)
    backward = backward or next(iter(parts_of_backward(cls)), "") or loss * _named_after(cls, forward)
    backward = backward or (forward and _sounding(cls))
    if backward and is_hollow(inspect.getattr_static(cls, backward)):
        backward = said or next(iter(parts_of_backward(cls)), "") or _sounding(cls) or backward
    if forward and backward:
        return Kind("loss" if loss else "layer", forward, backward)
    if not loss:
        value = override.forward or _first(cls, vocabulary.VALUE)
        derivative = said or _first(cls, vocabulary.DERIVATIVE, besides=value) or _named_after(cls, value)
        derivative = derivative or _sounding(cls)
        if value and derivative:
            other = (
                "layer"
                if vocabulary.plain(derivative) in vocabulary.BACKWARD or derivative == _sounding(cls)
                else "function"
            )
            sounds = [sound(one.name) for one in required(parameters_of(_bound(cls, value)))]
            is_of_target = len(sounds) == 2 and sounds[1] > 0 >= sounds[0]  # fn(a, y)
            return Kind("loss" if is_of_target else other, value, derivative)
    predict = "" if forward else _first(cls, vocabulary.PREDICTIONS)
    if step := _train_step(cls, predict):
        return Kind("layer", predict, step)
    step = "" if forward else _lone_step(cls)
    keeping = "" if backward or step else _loss_with_gradients(cls, _keeps_gradients)
    if step or keeping:
        return Kind("loss" if keeping else "layer", step or keeping, step or keeping)
    is_model = any(callable(getattr(cls, name, None)) for name in _MODEL)
    told = forward and forward != "__call__" and not is_model and not _NO_LAYER.search(cls.__name__)
    return Kind("loss" if loss else "layer", forward, "") if told or (backward and not forward) else None


def other_kinds(cls: type, kind: Kind, override: Override) -> Iterator[Kind]:
    """The same with another forward, where a class has two: __call__ may keep what backward needs."""
    for name in ("__call__", "forward"):
        if not override.forward and name != kind.forward and _has(cls, name) and kind.forward != kind.backward:
            yield kind._replace(forward=name)


def _marked(cls: type) -> tuple[str, str]:
    """Two methods that differ in one word alone: rnn_cell_forward and rnn_cell_backward, forloss and backloss."""
    pairs = [
        (name, name.replace(*words, 1)) for words in vocabulary.DIRECTIONS for name in vars(cls) if words[0] in name
    ]
    return next(((one, other) for one, other in pairs if _has(cls, other)), ("", ""))


def parts_of_backward(cls: type) -> list[str]:
    """The methods among which backward is divided, that for dx first: backward_delta and backward_weights.

    One that does nothing, as that for the weights of a layer without any, is no part.
    """
    names = dict.fromkeys(name for base in _bases(cls) for name in vars(base) if _has(cls, name))
    parts = {name: found["of"] for name in names if (found := _PART.fullmatch(name))}
    written = [name for name in parts if not is_hollow(inspect.getattr_static(cls, name))]
    return sorted(written, key=lambda name: bool(_OF_PARAMETERS.search(parts[name])))


def steps_of_backward(cls: type, backward: str) -> tuple[str, ...]:
    """The methods that are backward together: all of the parts of which it is one, but for those that others call."""
    parts = parts_of_backward(cls)
    called = {one for name in parts for one in attributes_of_self(getattr(cls, name))[0] if one != name}
    return tuple(name for name in parts if name not in called) if backward in parts else (backward,)


def _named_after(cls: type, value: str) -> str:
    """A method that is named as the derivative of another: call_df, activation_prime, d_fn, deriv_loss."""
    pattern = rf"(d|deriv\w*|grad\w*)_?{value}|{value}_?(d|df|dx|prime|der|deriv\w*|grad\w*)"
    return next((name for name in dir(cls) if value and re.fullmatch(pattern, name) and _has(cls, name)), "")


def _beside_update(cls: type, backward: str) -> str:
    """The method that makes the gradients, where backward takes and returns nothing: gradient(dy), then backward()."""
    function = inspect.getattr_static(cls, backward) if backward else None
    if not inspect.isfunction(function) or required(parameters_of(function)[1:]) or return_values(function):
        return backward
    own = {backward, *attributes_of_self(function)[0]}
    others = [name for name in _called(cls, vocabulary.DERIVATIVE) if name not in own]
    return next((name for name in others if len(required(parameters_of(_bound(cls, name)))) == 1), backward)


def _sounding(cls: type) -> str:
    """The last method that sounds like a backward and takes a gradient: calc_deltas(self, upstream)."""
    methods = {
        name: one for base in reversed(_bases(cls)) for name, one in vars(base).items() if inspect.isfunction(one)
    }
    asked = {name: [one.name for one in required(parameters_of(method))[1:]] for name, method in methods.items()}
    given = {name: args for name, args in asked.items() if any("upstream" in vocabulary.roles(one) for one in args)}
    found = [name for name in given if vocabulary.SOUNDS_BACKWARD.search(name)]
    return found[-1] if found else ""


def _train_step(cls: type, forward: str) -> str:
    """A method of a class that goes forward, which takes the target and makes a step of training, or one an epoch.

    `train`, and whatever stands beside `predict`, may be more than that, so these are looked at.
    """
    steps = [name for name in vocabulary.TRAINING if forward and _has(cls, name)]
    steps = [name for name in steps if any(sound(one.name) > 0 for one in parameters_of(_bound(cls, name)))]
    sure = vocabulary.TRAIN_STEPS if vocabulary.plain(forward) not in vocabulary.PREDICTIONS else ()
    return next((name for name in steps if name in sure or _is_one_step(cls, forward, name)), "")


def _lone_step(cls: type) -> str:
    """A method that takes a learning rate, makes a step and returns its loss: forward and backward in one."""
    methods = {name: one for name, one in vars(cls).items() if inspect.isfunction(one) and takes_rate(one)}
    values = {name: [ast.unparse(value) for value in return_values(one)] for name, one in methods.items()}
    steps = [name for name, texts in values.items() if any(map(sounds_like_loss, texts)) and name not in _MODEL]
    epochs = [name for name in steps if re.search("epoch|iter", " ".join(methods[name].__code__.co_varnames))]
    return next((name for name in steps if name not in epochs), "")


def _is_one_step(cls: type, forward: str, name: str) -> bool:
    """Whether a method changes what forward goes by, and that once in an epoch: in no loop over samples or batches.

    What it changes has to be there before: weights that training itself starts with are no object's own.
    """
    inherited = {name: one for base in reversed(_bases(cls)) for name, one in vars(base).items()}
    methods = {vocabulary.as_written(name): one for name, one in inherited.items() if inspect.isfunction(one)}
    if not {forward, name} <= methods.keys():
        return False
    ahead = {forward, *attributes_of_self(methods[forward])[0]} & methods.keys()
    read = {attribute for one in ahead for attribute in attributes_of_self(methods[one])[0]}
    rest = {one: syntax(method) for one, method in methods.items() if one not in ahead}
    made = {attribute for one, tree in rest.items() if one != name for attribute in _changed(tree)}
    steps = {one for one, tree in rest.items() if one != "__init__" and _changed(tree) & read & made}

    def changes(node: ast.AST) -> bool:
        called = {ast.unparse(one).removeprefix("self.") for one in ast.walk(node) if isinstance(one, ast.Attribute)}
        return bool(_changed(node) & read & made or steps & called)

    loops = [one for one in ast.walk(rest.get(name, ast.Module([], []))) if isinstance(one, ast.For | ast.While)]
    return name in rest and changes(rest[name]) and not any(map(changes, filter(_is_over_samples, loops)))


def _is_over_samples(loop: ast.For | ast.While) -> bool:
    """Whether a loop is over neither epochs nor what an object holds, such as its layers."""
    words = re.findall(r"[\w.]+", ast.unparse(loop.iter)) if isinstance(loop, ast.For) else []
    return not any("epochs" in vocabulary.roles(word.rpartition(".")[2]) or "self." in word for word in words)


def _changed(tree: ast.AST) -> set[str]:
    """The attributes of `self` that are set to something, or have something put into them."""
    none = [
        one.targets[0] for one in ast.walk(tree) if isinstance(one, ast.Assign) and ast.unparse(one.value) == "None"
    ]
    stored = [one for one in ast.walk(tree) if isinstance(getattr(one, "ctx", None), ast.Store) and one not in none]
    texts = [ast.unparse(one.value if isinstance(one, ast.Subscript) else one) for one in stored]
    return {text.removeprefix("self.") for text in texts if text.startswith("self.")}


def _loss_with_gradients(cls: type, makes: Callable[[Callable[..., Any]], bool]) -> str:
    """The method of a network, such as loss(X, y), that makes gradients as well; "" if none does."""
    methods = {name: one for name, one in vars(cls).items() if inspect.isfunction(one)}
    targets = [name for name, one in methods.items() if any(sound(arg.name) > 0 for arg in parameters_of(one))]
    return next((name for name in targets if makes(methods[name])), "")


def _keeps_gradients(method: Callable[..., Any]) -> bool:
    """Whether a method returns a loss, and keeps gradients of what it goes by."""
    read, sets = attributes_of_self(method)
    lower = {name.lower() for name in read}
    kept = [one for one in read + sets if one[1:] and (vocabulary.is_mark(one) or vocabulary.gradient_of(one) & lower)]
    texts = [method.__name__, *map(ast.unparse, return_values(method))]
    return bool(kept) and any(map(sounds_like_loss, texts))


def returns_loss_and_gradients(function: Callable[..., Any]) -> bool:
    """Whether a function returns a loss and beside it gradients, named or in a dict: `return loss, dW, db, h`."""
    several = [value for value in return_values(function) if isinstance(value, ast.Tuple | ast.List)]
    tuples = [value.elts for value in several if len(value.elts) > 1]
    for texts in ([ast.unparse(one) for one in elements] for elements in tuples):
        is_loss = function.__name__ == "loss" or any(sounds_like_loss(one) or one in _VALUES for one in texts)
        if is_loss and any(re.match(r"d[A-Z_]|d[wb]\d*$|(\w+_?)?grad|nabla|{", one) for one in texts):
            return True
    return False


_VALUES = ("J", "L", "value", "val")


def sounds_like_loss(name: str) -> bool:
    """Whether a class or function is called what losses are called."""
    cut = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return _LOSS_NAME.search(vocabulary.english(cut.lower())) is not None


def is_base(cls: type, others: list[type]) -> bool:
    """Whether a class only says what others have to offer: abstract, with methods that do nothing, or without any."""
    if inspect.isabstract(cls):
        return True
    heirs = [other for other in others if other is not cls and any(base is cls for base in _bases(other))]
    if heirs and _is_left_to(heirs, cls):
        return True
    hollow = [
        name
        for name in _called(cls, (*vocabulary.VALUE, *vocabulary.DERIVATIVE))
        if name in vars(cls) and is_hollow(inspect.getattr_static(cls, name))
    ]
    kind = kind_of(cls, Override())
    lacking = kind is not None and not (kind.forward and kind.backward)
    if not any(inspect.isfunction(one) for one in vars(cls).values()):  # class Later(Layer): pass
        return lacking or (kind is not None and is_hollow(inspect.getattr_static(cls, kind.backward)))
    return (bool(hollow) or lacking) and (bool(heirs) or len(hollow) > 1)


def _is_left_to(heirs: list[type], cls: type) -> bool:
    """Whether a class leaves to its heirs what forward or backward needs: an attribute, or a result at all."""
    kind = kind_of(cls, Override())
    methods = (
        [inspect.getattr_static(cls, name, None) for name in (kind.forward, kind.backward) if name] if kind else []
    )
    own = [one for one in methods if inspect.isfunction(one) and one in vars(cls).values()]
    needed = {name for one in own for name in attributes_of_self(one)[0]}
    lacking = needed - set(dir(cls)) - stored(cls)
    if lacking:
        return all(lacking <= set(dir(heir)) | stored(heir) for heir in heirs)
    given = [
        name for one in own if not return_values(one) and not attributes_of_self(one)[1] for name in [one.__name__]
    ]
    return any(name in vars(heir) for name in given for heir in heirs)


def stored(cls: type) -> set[str]:
    """The attributes that the methods of a class, inherited or not, set."""
    methods = [one for base in _bases(cls) for one in vars(base).values() if inspect.isfunction(one)]
    return {name for one in methods for name in attributes_of_self(one)[1]}


def _bases(cls: type) -> tuple[type, ...]:
    """The class and what it inherits from, whatever its metaclass says of that."""
    return type.__getattribute__(cls, "__mro__")


def is_hollow(function: object) -> bool:
    """Whether a function's body is no more than `pass`, a docstring or `raise NotImplementedError`."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        return False
    unwritten = {"NotImplementedError", "NotImplemented"}
    if unwritten & set(code.co_names):
        return set(code.co_names) <= unwritten
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("RESUME", "NOP")]
    return all(step.opname in _RETURNS and (step.argval is None) for step in steps)


_RETURNS = ("LOAD_CONST", "RETURN_VALUE", "RETURN_CONST")


def _first(cls: type, words: tuple[str, ...], besides: str = "") -> str:
    """The first method that is called so, and does something if any of them does."""
    names = [name for name in _called(cls, words) if name != besides]
    return next((name for name in names if not _is_left_open(cls, name)), next(iter(names), ""))


def _is_left_open(cls: type, name: str) -> bool:
    """Whether a method does nothing, or no more than the one of a base that does nothing: super().gradient(x)."""
    own = [vars(base)[name] for base in _bases(cls) if name in vars(base)]
    if len(own) < 2 or not all(map(inspect.isfunction, own[:2])):
        return False
    values = return_values(own[0])
    hands_on = len(values) == 1 and ast.unparse(values[0]).startswith(f"super().{name}(")
    return hands_on and is_hollow(own[1])


def _called(cls: type, words: tuple[str, ...]) -> list[str]:
    """The methods of a class that are called so, in the order of the words; of two spellings the one without `_`."""
    names = dict.fromkeys(name for base in _bases(cls)[:-1] for name in vars(base))
    found = {vocabulary.plain(name): name for name in sorted(names, key=lambda name: name[:1] != "_")}
    return [found[word] for word in dict.fromkeys(words) if word in found and _has(cls, found[word])]


def _has(cls: type, name: str) -> bool:
    if name == "__call__":
        return any("__call__" in vars(base) for base in cls.__mro__)
    return callable(getattr(cls, name, None))


def _bound(cls: type, name: str) -> Callable[..., Any]:
    """The method without its `self`, so that its arguments are those of a call."""
    static = inspect.getattr_static(cls, name)
    if isinstance(static, staticmethod | classmethod):
        return getattr(cls, name)
    return getattr(cls, name).__get__(object(), cls) if inspect.isfunction(static) else getattr(cls, name)

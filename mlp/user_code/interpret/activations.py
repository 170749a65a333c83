"""Activations to make a layer with: names, functions, and objects of the module's own classes."""

import re
from types import ModuleType
from typing import Any

import numpy as np

from mlp.user_code import vocabulary
from mlp.user_code.messages import home_of
from mlp.user_code.run import calls

_ACTIVATION_NAME = re.compile(r"activation|tanh|sigmoid|logistic|relu|elu|softplus", re.IGNORECASE)


def is_activation(name: str, cls: type) -> bool:
    """Whether an argument is an activation: by its name, or a `name` that an Activation is made with."""
    by_name = name in ("name", "kind", "type") and re.search("activation|nonlinear", cls.__name__, re.IGNORECASE)
    return bool(by_name) or "activation" in vocabulary.roles(name)


def tanh(x: Any, derivative: bool = False) -> Any:
    """An activation that some layers ask for its derivative as well, as in f(z, True)."""
    return 1 - np.tanh(x) ** 2 if derivative else np.tanh(x)


def tanh_prime(x: Any) -> Any:
    """The derivative of tanh, for a layer that wants one beside its activation."""
    return 1 - np.tanh(x) ** 2


def activations(cls: type, module: ModuleType | None) -> list[Any]:
    """Values for an argument `activation`: names, a function, and objects of the module's own activation classes."""
    return ["tanh", "sigmoid", "relu", tanh, *own_activations(cls, module)]


def own_activations(maker: type, module: ModuleType | None) -> list[Any]:
    """Two objects of classes in their module that go forward and backward and need no arguments."""
    found = []
    for cls in vars(module).values() if module else ():
        if not issubclass(type(cls), type) or cls is maker or home_of(cls) != vars(module)["__name__"]:
            continue
        try:
            if _ACTIVATION_NAME.search(cls.__name__) and _needs_nothing(cls) and _goes_both_ways(cls):
                found.append(cls())
        except Exception:  # a class that cannot be made without arguments is no activation to offer
            continue
    return found[:2]


def _needs_nothing(cls: type) -> bool:
    """Whether a class needs no arguments, and takes no unknown number of them."""
    parameters = calls.parameters_of(cls)
    return not calls.required(parameters) and not any(one.kind in calls.VARIABLE for one in parameters)


def _goes_both_ways(cls: type) -> bool:
    """Whether a class has a forward and a gradient under one of their names."""
    methods = set(dir(cls))
    return bool(methods & set(vocabulary.FORWARD[:10])) and bool(methods & set(vocabulary.DERIVATIVE))

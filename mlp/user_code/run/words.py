"""Arguments as GRADCHECK writes them: a word such as "dy" stands for the array, anywhere in lists, tuples and dicts.

{"grads": {"grad": "dy", "batch": 5}} gives the argument `grads` a dict whose "grad" is the gradient of the output.
"""

from collections.abc import Mapping
from typing import Any

# What the words stand for; of several inputs or outputs the others are "x.1", "dy.1" and so on.
WORDS = {
    "x": "the input",
    "dy": "the gradient of the output",
    "y": "the output",
    "target": "the target",
    "cache": "what forward returned beside its output",
}


def filled(said: Any, values: Mapping[str, Any]) -> Any:
    """The argument that is meant, with the values in the place of their words."""
    if isinstance(said, str):
        return values.get(said, said)
    if isinstance(said, dict):
        return {key: filled(held, values) for key, held in said.items()}
    if isinstance(said, list | tuple):
        return type(said)(filled(held, values) for held in said)
    return said


def mentions(said: Any, word: str) -> bool:
    """Whether a word stands somewhere in what is said."""
    if isinstance(said, Mapping):
        return any(mentions(held, word) for held in said.values())
    return any(mentions(held, word) for held in said) if isinstance(said, list | tuple) else bool(said == word)

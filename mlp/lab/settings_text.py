"""An experiment's settings as text, as the sidebar and the address write them: what is written can be read again."""

import re
from collections.abc import Callable, Iterable
from typing import Any

EPS_STEPS = tuple(float(f"{digit}e{power}") for power in range(-12, 0) for digit in (1, 2, 5))
"""The step sizes that can be chosen."""

RATE_STEPS = tuple(float(f"{digit}e{power}") for power in range(-5, 1) for digit in (1, 2, 5))
"""The learning rates that can be chosen."""


def parse_sizes(text: str) -> tuple[int, ...]:
    """Read layer sizes such as "2-10-20-5".

    Raises:
        ValueError: anything else, in a sentence that says what would do.
    """
    if not re.fullmatch(r"[0-9]+(-[0-9]+)+", text.strip()):
        raise ValueError(
            f"Layer sizes are whole numbers with hyphens between them, at least inputs and outputs, such as "
            f"2-10-20-5; this is {shortened(text)}."
        )
    parts = text.strip().split("-")
    if max(map(len, parts)) > 9:
        raise ValueError(f"No layer can have as many units as {shortened(max(parts, key=len))}.")
    return tuple(map(int, parts))


def format_sizes(sizes: Iterable[int]) -> str:
    """Write layer sizes as `parse_sizes` reads them."""
    return "-".join(map(str, sizes))


def format_eps(eps: float) -> str:
    """Write a step size briefly: 0.5, 0.01, 1e-4, 2e-12."""
    if eps >= 0.01:
        return f"{eps:g}"
    mantissa, _, exponent = f"{eps:e}".partition("e")
    return f"{float(mantissa):g}e{int(exponent)}"


UPLOAD = "your own file"
"""What data of a person's own are called, which stand in no address."""
ROWS = "rows of "
"""What the text of such rows, as `mlp.lab.own_rows` writes it, begins with."""


def format_setting(value: float | str) -> str:
    """Write one of an experiment's `settings()` as the sidebar and the address do."""
    if isinstance(value, float):
        return format_eps(value)
    return UPLOAD if str(value).startswith(ROWS) else str(value)


def read_whole(text: str) -> int:
    """Read a whole number such as "7".

    Raises:
        ValueError: anything else, in a sentence.
    """
    if not re.fullmatch(r"-?[0-9]{1,18}", text.strip()):
        raise ValueError(f"This must be a whole number, not {shortened(text)}.")
    return int(text)


def read_index(text: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Read the index of an entry of an array of this shape, such as "7,1".

    Raises:
        ValueError: anything else, in a sentence that says what would do.
    """
    last = tuple(size - 1 for size in shape)
    if not re.fullmatch(r"\s*[0-9]{1,9}(\s*,\s*[0-9]{1,9})*\s*", text):
        raise ValueError(f"An entry is given by whole numbers with commas between them, not {shortened(text)}.")
    index = tuple(int(part) for part in text.split(","))
    if len(index) != len(shape) or any(i > end for i, end in zip(index, last, strict=True)):
        first = format_index((0,) * len(shape))
        raise ValueError(f"Entries here go from {first} to {format_index(last)}; {shortened(text)} is none.")
    return index


def format_index(index: Iterable[int]) -> str:
    """Write an index as `read_index` reads it."""
    return ",".join(map(str, index))


def read_eps(text: str) -> float:
    """Read one of EPS_STEPS, such as "1e-4" or "0.0001".

    Raises:
        ValueError: anything else, in a sentence.
    """
    return _read_step("eps", text, EPS_STEPS)


def read_rate(text: str) -> float:
    """Read one of RATE_STEPS, such as "0.01".

    Raises:
        ValueError: anything else, in a sentence.
    """
    return _read_step("rate", text, RATE_STEPS)


def _read_step(name: str, text: str, steps: tuple[float, ...]) -> float:
    try:
        step = float(text)
    except ValueError:
        step = 0.0
    if step not in steps:
        raise ValueError(
            f"{name} must be 1, 2 or 5 times a power of ten from {format_eps(steps[0])} to {format_eps(steps[-1])}, "
            f"not {shortened(text)}."
        )
    return step


def shortened(text: object) -> str:
    """What was typed, as a refusal quotes it: long text is cut, and its length said."""
    shown = repr(text)
    return shown if len(shown) <= 40 else f"{shown[:30]}... ({len(str(text)):,} characters)"


def _read_data(text: str) -> str:
    if text == UPLOAD or text.startswith(ROWS):
        raise ValueError("A file of your own is in no address: bring it on the page Training.")
    return text


READERS: dict[str, Callable[[str], Any]] = {
    "sizes": parse_sizes,
    "activation": str,
    "loss": str,
    "initialisation": str,
    "seed": read_whole,
    "batch": read_whole,
    "eps": read_eps,
    "method": str,
    "data": _read_data,
}
"""How each setting is read from text. What a choice may be, `Experiment` itself knows."""

"""Small maps of one tensor as SVG: both gradients and the verdict of every entry, beside each other.

A larger tensor is shown in blocks, and in each block the entry that is furthest off, so that no wrong entry is hidden.
"""

from html import escape
from typing import NamedTuple

import numpy as np

from mlp.check.evaluation_point import Index
from mlp.check.tensor import TensorCheck
from mlp.check.verdict import Verdict
from mlp.nn.arrays import Array

_SIDES = 12  # squares along each side of a map at most
_WIDTH = 176.0  # of a map in pixels: three and what is between them take 560
_LARGEST = 22.0  # side of a square in pixels
_GAP, _TITLE, _NARROWEST = 16, 18, 64
_BLUE, _ORANGE, _RED, _GREY = "#2b7bba", "#d9731a", "#c0392b", "#808080"


class _Look(NamedTuple):
    """How a square is drawn: colour, opacity from 0 to 1, and a sign for those who do not tell colours apart."""

    colour: str
    opacity: float
    sign: str = ""


_VERDICTS = {
    Verdict.CONSISTENT: _Look(_GREY, 0.15),
    Verdict.WRONG: _Look(_RED, 1.0, "x"),
    Verdict.CANNOT_TELL: _Look(_GREY, 0.5, "?"),
    Verdict.KINK_CROSSED: _Look(_GREY, 0.5, "/"),
}


def map_svg(check: TensorCheck) -> str:
    """The three maps; a square tells its numbers when the pointer rests on it."""
    places = _places(check)
    side = min(_LARGEST, _WIDTH / max(len(places), len(places[0])))
    width = max(_NARROWEST, side * len(places[0]))
    maps = {
        title: [[look(check, index) for index in line] for line in places]
        for title, look in (("analytical", _analytical), ("numerical", _numerical), ("verdict", _verdict))
    }
    drawn = []
    for number, (title, looks) in enumerate(maps.items()):
        squares = "".join(
            _square(column * side, _TITLE + row * side, side, look, _told(check, places[row][column]))
            for row, line in enumerate(looks)
            for column, look in enumerate(line)
        )
        drawn.append(
            f'<g transform="translate({number * (width + _GAP):g} 0)"><text y="12">{title}</text>{squares}</g>'
        )
    return _framed("".join(drawn), 3 * width + 2 * _GAP, _TITLE + side * len(places) + 1, check.name)


def _framed(content: str, width: float, height: float, name: str) -> str:
    label = escape(f"{name}: analytical gradient, numerical gradient and the verdict of every entry")
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    style = 'style="display:block;max-width:100%;height:auto;font:12px sans-serif" fill="currentColor"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" {size} {style}>{content}</svg>'


def map_caption(check: TensorCheck) -> str:
    """What the maps show: which part of the tensor, the colours and the signs."""
    leading = check.worst[:-2]
    part = f"{check.name}[{', '.join([*map(str, leading), ':', ':'])}]" if leading else check.name
    told = [f"{part}: blue is positive, orange negative, the strongest colour {_largest(check):.3g}"]
    signs = {Verdict(number) for number in np.unique(check.verdicts[leading])}
    told += [
        f"{look.sign} means {verdict.words}" for verdict, look in _VERDICTS.items() if verdict in signs and look.sign
    ]
    if max(check.analytical.shape[-2:], default=1) > _SIDES:
        told.append("each square is the entry of its block that is furthest off for its error bar")
    return "; ".join(told)


def _places(check: TensorCheck) -> list[list[Index]]:
    """The entries that are shown, in rows: of the last two axes, at the worst entry's place along the others."""
    shape, leading = check.analytical.shape, check.worst[:-2]
    rows, columns = (1, 1, *shape)[-2:]
    badness = np.abs(check.ratio[leading]).reshape(rows, columns)
    return [
        [(*leading, *_worst_of(badness, down, across))[max(0, 2 - len(shape)) :] for across in _blocks(columns)]
        for down in _blocks(rows)
    ]


def _blocks(length: int) -> list[Array]:
    return np.array_split(np.arange(length), min(length, _SIDES))


def _worst_of(badness: Array, rows: Array, columns: Array) -> tuple[int, int]:
    row, column = divmod(int(np.argmax(badness[np.ix_(rows, columns)])), len(columns))
    return int(rows[row]), int(columns[column])


def _largest(check: TensorCheck) -> float:
    """The largest value of either gradient, which has the strongest colour in both maps."""
    values = np.abs([check.analytical, check.numerical])
    return float(np.max(values, where=np.isfinite(values), initial=0.0))


def _analytical(check: TensorCheck, index: Index) -> _Look:
    return _signed(float(check.analytical[index]), _largest(check))


def _numerical(check: TensorCheck, index: Index) -> _Look:
    return _signed(float(check.numerical[index]), _largest(check))


def _verdict(check: TensorCheck, index: Index) -> _Look:
    return _VERDICTS[Verdict(int(check.verdicts[index]))]


def _signed(value: float, largest: float) -> _Look:
    if not np.isfinite(value):
        return _Look(_GREY, 0.5, "!")
    return _Look(_BLUE if value > 0 else _ORANGE, abs(value) / largest if largest else 0.0)


def _square(x: float, y: float, side: float, look: _Look, told: str) -> str:
    size = f'x="{x:.4g}" y="{y:.4g}" width="{side:.4g}" height="{side:.4g}"'
    square = (
        f'<rect {size} fill="{look.colour}" fill-opacity="{look.opacity:.2g}" stroke="{_GREY}" stroke-opacity=".4"/>'
    )
    if look.sign:
        middle = f'x="{x + side / 2:.4g}" y="{y + 0.8 * side:.4g}" font-size="{0.8 * side:.3g}" text-anchor="middle"'
        ground = "#fff" if look.colour == _RED else "currentColor"
        square += f'<text {middle} fill="{ground}">{look.sign}</text>'
    return f"<g><title>{escape(told)}</title>{square}</g>"


def _told(check: TensorCheck, index: Index) -> str:
    a, n = check.analytical[index], check.numerical[index]
    return f"{check.name}{list(index) or ''}: a {a:.6g}, n {n:.6g}"

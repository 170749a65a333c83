"""A report as HTML: what a notebook shows for a cell that ends in one.

Text has the notebook's own colours, light or dark; the verdict's badge and the maps can be read on both. Styles stand
in the elements themselves, since a notebook takes style sheets out of what it does not trust.
"""

from collections.abc import Iterable, Sequence
from html import escape

from mlp.check.map_svg import map_caption, map_svg
from mlp.check.tensor import TensorCheck
from mlp.check.verdict import Verdict

PASSED = "passed"
_WORST = 3
_SHOWN = 4
_GREEN, _RED, _BROWN = "#1a7f4b", "#c0392b", "#8a6100"
_CELL = "border:0;border-bottom:1px solid rgba(128,128,128,.4);padding:2px 10px 2px 0;background:none;text-align:left"


def as_html(answer: str, sentences: Iterable[str], checks: Sequence[TensorCheck], worst: TensorCheck, how: str) -> str:
    """The answer and what to fix, a row for each tensor, and of what did not pass the worst entries and a map.

    Where all passed, these are of the tensor with the worst entry; where much did not, of the first few.

    Args:
        answer: in a word or two: "passed", "partly checked", or the words of the verdict.
        sentences: what there is to say, the most important first.
        checks: of all tensors.
        worst: the one with the worst entry.
        how: the method and its step.
    """
    shown = [check for check in checks if not check.passed][:_SHOWN] or [worst]
    first, *others = sentences
    parts = [
        _paragraph(f"{_badge(answer)} {escape(first)}"),
        *(_paragraph(escape(sentence)) for sentence in others),
        _table(*_tensors(checks)),
        *(part for check in shown for part in _closely(check)),
        _paragraph(escape(how), "opacity:.75"),
    ]
    style = "max-width:600px;overflow-x:auto;font-size:13px;line-height:1.4;color:inherit"
    return f'<div style="{style}">{"".join(parts)}</div>'


def _paragraph(content: str, style: str = "") -> str:
    return f'<p style="margin:6px 0;{style}">{content}</p>'


def _badge(answer: str) -> str:
    """The answer on a ground of its own colour."""
    colour = {PASSED: _GREEN, Verdict.WRONG.words: _RED}.get(answer, _BROWN)
    style = f"background:{colour};color:#fff;padding:1px 8px;border-radius:8px;font-weight:bold;white-space:nowrap"
    return f'<span style="{style}">{answer}</span>'


_Table = tuple[Sequence[str], list[Sequence[str]]]


def _tensors(checks: Iterable[TensorCheck]) -> _Table:
    """A row for each tensor."""
    titles = ("tensor", "shape", "verdict", "wrong entries", "largest |a − n|", "largest relative error")  # noqa: RUF001
    return titles, [
        (
            check.name,
            str(check.analytical.shape),
            check.verdict.words,
            f"{check.counts[Verdict.WRONG]:,} of {check.analytical.size:,}",
            f"{check.max_abs_difference:.2g}",
            f"{check.max_relative_error:.2g}",
        )
        for check in checks
    ]


def _entries(check: TensorCheck) -> _Table:
    """The entries of one tensor that are furthest off for their error bars."""
    titles = ("furthest off", "analytical a", "numerical n", "a − n", "error bar")  # noqa: RUF001
    return titles, [
        (
            f"{check.name}{list(index)}" if index else check.name,
            # Adding zero makes of -0.0 what people write.
            f"{check.analytical[index] + 0.0:.9g}",
            f"{check.numerical[index] + 0.0:.9g}",
            f"{check.difference[index]:.2g}",
            f"{check.error_bar[index]:.1g}",
        )
        for index in check.worst_entries(_WORST)
    ]


def _closely(check: TensorCheck) -> tuple[str, ...]:
    """The worst entries of a tensor and its map."""
    return _table(*_entries(check)), map_svg(check), _paragraph(escape(map_caption(check)), "opacity:.75")


def _table(titles: Sequence[str], rows: list[Sequence[str]]) -> str:
    head = "".join(f'<th style="{_CELL};font-weight:bold">{escape(title)}</th>' for title in titles)
    lines = ("".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in row) for row in rows)
    body = "".join(f'<tr style="background:none">{line}</tr>' for line in lines)
    style = "border-collapse:collapse;margin:10px 0;font-size:12px;color:inherit"
    return f'<table style="{style}"><thead><tr style="background:none">{head}</tr></thead><tbody>{body}</tbody></table>'

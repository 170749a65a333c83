"""A report as HTML: what a notebook shows for a cell that ends in one.

Text has the notebook's own colours, light or dark; the verdict's badge and the maps can be read on both. Styles stand
in the elements themselves, since a notebook takes style sheets out of what it does not trust.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from mlp.check.map_svg import map_caption, map_svg
from mlp.check.tensor import TensorCheck
from mlp.check.verdict import Verdict

if TYPE_CHECKING:
    from mlp.check.report import GradientReport

_WORST = 3
_SHOWN = 4
_GREEN, _RED, _BROWN = "#1a7f4b", "#c0392b", "#8a6100"
_CELL = "border:0;border-bottom:1px solid rgba(128,128,128,.4);padding:2px 10px 2px 0;background:none;text-align:left"


def as_html(report: "GradientReport") -> str:
    """The verdict and what to fix, a row for each tensor, and of what did not pass the worst entries and a map.

    Where all passed, these are of the tensor with the worst entry; where much did not, of the first few.
    """
    shown = [check for check in report.values() if not check.passed][:_SHOWN] or [report.worst]
    said = [finding.sentence for finding in report.diagnosis] + [remark.sentence for remark in report.remarks]
    first, *others = dict.fromkeys([report.summary, *said])
    parts = [
        _paragraph(f"{_badge(report)} {escape(first)}"),
        *(_paragraph(escape(sentence)) for sentence in others),
        _table(*_tensors(report.values())),
        *(part for check in shown for part in _closely(check)),
        _paragraph(escape(f"{report.method.name.capitalize()} differences with h = {report.eps:g}"), "opacity:.75"),
    ]
    style = "max-width:600px;overflow-x:auto;font-size:13px;line-height:1.4;color:inherit"
    return f'<div style="{style}">{"".join(parts)}</div>'


def _paragraph(content: str, style: str = "") -> str:
    return f'<p style="margin:6px 0;{style}">{content}</p>'


def _badge(report: "GradientReport") -> str:
    """The verdict on a ground of its own colour."""
    word, colour = report.verdict.words, _RED if report.verdict is Verdict.WRONG else _BROWN
    if report.verdict is Verdict.CONSISTENT:
        word, colour = ("passed", _GREEN) if report.passed else ("partly checked", _BROWN)
    style = f"background:{colour};color:#fff;padding:1px 8px;border-radius:8px;font-weight:bold;white-space:nowrap"
    return f'<span style="{style}">{word}</span>'


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

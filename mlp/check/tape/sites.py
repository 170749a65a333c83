"""Where in somebody's code an operation stands, and what is written there."""

import ast
import itertools
import linecache
import sys
from functools import cache
from types import CodeType, FrameType
from typing import Any, NamedTuple

_LONGEST = 70  # characters of code in a sentence
BOTH = 99
"""The number of an operand that is a product of others."""
RECORDER = "recorded"
"""The function whose frame ends a path."""
_INSIDE = ("numpy", "mlp.check.tape")
_AROUND = (*_INSIDE, "mlp.check.projection", "mlp.check.diagnosis", "mlp.check.model", "mlp.user_code")


class Site(NamedTuple):
    """One operation in the code, however often it is carried out.

    Attributes:
        path: the instructions that led to it, the innermost first: the code of a function, and an offset in it.
        operation: its name, which is what a sentence says where the code cannot be read.
    """

    path: tuple[tuple[CodeType, int], ...]
    operation: str

    @property
    def innermost(self) -> "Site":
        """The operation, from wherever its function was called."""
        return Site(self.path[:1], self.operation)

    @property
    def text(self) -> str:
        """The code of the operation, between backquotes, or its name."""
        return (_quoted(_segment(*self.path[0])) if self.path else "") or f"the {self.operation}"

    @property
    def caller(self) -> str:
        """The code by which the function was called that it stands in; "" if that is not known."""
        return _quoted(_segment(*self.path[1])) if len(self.path) > 1 else ""

    def operand(self, number: int) -> str:
        """The code of one of its operands, or its number in words."""
        found = _operands(_segment(*self.path[0])) if self.path else []
        if number == BOTH and len(found) == 3:
            return f"the product of `{found[0]}` and `{found[1]}`"
        if self.operation == "concatenate" and found:  # whose operands are those of a list
            return _quoted(f"{found[0]}[{number}]")
        text = _quoted(found[number]) if number < len(found) else ""
        return f"{text} ({_nth(number)})" if text and found.count(found[number]) > 1 else text or _nth(number)

    def text_in(self, other: "Site") -> str:
        """The code of it as it is seen from the function of another site, which may have called the one it is in."""
        calls = [step for step in self.path if other.path and step[0] is other.path[0][0]]
        return (_quoted(_segment(*calls[0])) if calls else "") or self.text


def here(operation: str, spaces: dict[int, dict[str, Any]]) -> Site:
    """The site that called us, outside of numpy, of the recording, and of what runs somebody's code.

    Args:
        operation: its name.
        spaces: where the names of the modules are noted that led to it.
    """
    path, frame = [], sys._getframe(1).f_back
    while frame and frame.f_code.co_name != RECORDER:
        if not is_inside(frame, _AROUND):
            path.append((frame.f_code, frame.f_lasti))
            spaces[id(frame.f_globals)] = frame.f_globals
        frame = frame.f_back
    return Site(tuple(path), operation)


def is_inside(frame: FrameType, modules: tuple[str, ...] = _INSIDE) -> bool:
    """Whether this is code of one of these modules: of numpy, or of the recording."""
    return str(frame.f_globals.get("__name__", "")).startswith(modules)


def _nth(number: int) -> str:
    if number == BOTH:
        return "the product of its first operands"
    return f"its {('first', 'second', 'third')[number]} operand" if number < 3 else "one of its operands"


def _quoted(text: str) -> str:
    text = " ".join(text.split())
    shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 20]} ... {text[-10:]}"
    return f"`{shown}`" if text else ""


@cache
def _segment(code: CodeType, offset: int) -> str:
    """The code of an instruction; "" if it cannot be read."""
    position = next(itertools.islice(code.co_positions(), offset // 2, None), (None,) * 4)
    first, last, start, end = position
    if first is None or last is None or start is None or end is None:
        return ""
    lines = [line.encode() for line in linecache.getlines(code.co_filename)[first - 1 : last]]
    if len(lines) != last - first + 1:
        return ""
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    return b"".join(lines).decode(errors="replace")


@cache
def _operands(text: str) -> list[str]:
    try:
        statement = ast.parse(text.strip()).body[0]
    except (SyntaxError, IndexError):
        return []
    node: ast.AST = statement.value if isinstance(statement, ast.Expr) else statement
    match node:
        case ast.BinOp():
            found: list[ast.expr] = [node.left, node.right]
        case ast.AugAssign():
            found = [node.target, node.value]
        case ast.UnaryOp():
            found = [node.operand]
        case ast.Call(func=ast.Attribute(value=owner)) if ast.unparse(owner).partition(".")[0] not in _MODULES:
            found = [owner, *node.args]
        case ast.Call():
            found = [arg for arg in node.args if not _is_subscripts(arg)]
        case ast.Subscript() | ast.Attribute():
            found = [node.value]
        case _:
            return []
    return [ast.unparse(one) for one in found]


_MODULES = ("np", "numpy")


def _is_subscripts(arg: ast.expr) -> bool:
    """Whether an argument is that of einsum which names the axes."""
    return isinstance(arg, ast.Constant) and isinstance(arg.value, str)

"""A file of theirs, found and read without running any of it: where it stands, whether it has changed, its cells.

A file of Python is a notebook of one cell. A cell of a notebook has the number that its `In [3]` shows after "Restart
and run all": its place among the code cells that are not empty.
"""

import ast
import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

from mlp.user_code.messages import Fact, ForeignError, told

NOTEBOOK = ".ipynb"
SUFFIXES = (".py", NOTEBOOK)
Stamp = tuple[tuple[str, int, int], ...]


def source_file(spec: str) -> Path:
    """The file of a module.

    Args:
        spec: a file, `my_layers.py` or `homework.ipynb`, or a module name, `package.layers`.

    Raises:
        ForeignError: there is none; the sentence says what was looked for.
    """
    path = Path(spec)
    if path.suffix in SUFFIXES:
        if not path.is_file():
            raise _none(f"there is no file {spec}")
        return path.resolve()
    if path.exists() and not _places(spec):
        what = "a folder" if path.is_dir() else "no Python file"
        raise _none(f"{spec} is {what}; name a file that ends in .py or .ipynb, or a module")
    if not _places(spec):
        raise _none(f"there is no module {spec} in this folder or where Python looks for modules")
    return _places(spec)[0].resolve()


def stamp(file: Path) -> Stamp:
    """Name, time of the last change and size of a module's file and of those beside it, which it may import.

    Two stamps differ if a file was saved in between. A file that is gone, as it is for a moment while some editors
    save, is left out.
    """
    found = file.parent.rglob("*.py") if file.name == "__init__.py" else file.parent.glob("*.py")
    entries = []
    for path in sorted({file, *found}):
        try:
            state = path.stat()
        except OSError:
            continue
        entries.append((path.name, state.st_mtime_ns, state.st_size))
    return tuple(entries)


def _places(name: str) -> list[Path]:
    """The files that `import name` may mean, in the order in which Python looks for them."""
    if not all(part.isidentifier() for part in name.split(".")):
        return []
    folders = [Path.cwd(), *map(Path, sys.path)]
    stems = [folder.joinpath(*name.split(".")) for folder in folders]
    return [path for stem in stems for path in (stem / "__init__.py", stem.with_suffix(".py")) if path.is_file()]


def _none(sentence: str) -> ForeignError:
    return ForeignError(Fact("problem", sentence))


LARGEST = 50_000_000
"""Bytes of a notebook that is read; what makes one larger are the pictures in its outputs."""


class Cell(NamedTuple):
    """A piece of code that is run as a whole.

    Attributes:
        file: what tracebacks call it: the file itself, or "/home/me/homework.ipynb, cell 3".
        source: its code; what only IPython understands is replaced, line by line.
        number: of the cell; 0 for a file of Python.
    """

    file: str
    source: str
    number: int

    @property
    def doing(self) -> str:
        """What is done with it, in words."""
        return f"running cell {self.number}" if self.number else f"importing {Path(self.file).name}"


def cells_of(file: Path) -> list[Cell]:
    """The cells of a notebook, or the one of a file of Python.

    Raises:
        ForeignError: the file cannot be read, or is no notebook in Python; the sentence says why.
    """
    with told(f"reading {file.name}"):
        if file.suffix != NOTEBOOK:
            source = importlib.util.decode_source(file.read_bytes())
            return [Cell(str(file), only_python(source), 0)]
        if file.stat().st_size > LARGEST:
            size = f"{file.stat().st_size / 1e6:.0f} MB, and at most {LARGEST / 1e6:.0f} MB are read"
            raise _unread(file, f"is {size}; clear its outputs and save it again")
        sources = [source for source in _sources(file) if source.strip()]
    if not sources:
        raise _unread(file, "has no code cells")
    return [Cell(f"{file}, cell {number}", only_python(source), number) for number, source in enumerate(sources, 1)]


def _sources(file: Path) -> list[str]:
    """The source of each code cell, once it is sure that this is a notebook in Python."""
    try:
        notebook = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise _unread(file, "is no notebook: it is not JSON") from error
    if isinstance(notebook, dict) and "worksheets" in notebook:
        raise _unread(file, "has the format of notebooks before 2015; open it in Jupyter and save it")
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise _unread(file, "is no notebook: it has no list of cells")
    cells = [cell for cell in notebook["cells"] if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    texts = [cell.get("source", "") for cell in cells]
    sources = ["".join(map(str, text)) if isinstance(text, list) else str(text) for text in texts]
    language = _language(notebook.get("metadata"))
    is_old = language.lower().startswith("python 2") and not all(map(_parses, map(only_python, sources)))
    if is_old or not language.lower().startswith("python"):
        raise _unread(file, f"is a notebook in {language[0].upper()}{language[1:]}; only Python 3 can be checked")
    return sources


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _language(metadata: Any) -> str:
    """The language that a notebook says it is written in, and its version; Python where it says none."""
    said = metadata if isinstance(metadata, dict) else {}
    kernel, language = (
        part if isinstance(part := said.get(key), dict) else {} for key in ("kernelspec", "language_info")
    )
    return f"{language.get('name') or kernel.get('language') or 'python'} {language.get('version', '')}".strip()


def _unread(file: Path, text: str) -> ForeignError:
    return ForeignError(Fact("problem", f"{file.name} {text}"))


# Cell magics that run the cell as it stands; any other makes something else of it, such as a shell script.
_RUNNING = ("%%time", "%%capture", "%%prun")
_ESCAPED = re.compile(
    r"\s*([%!?]"  # a magic, a shell command, a question
    r"|[\w.,\s]+=\s*[%!]"  # the same with its answer kept
    r"|(pip|conda|cd|ls|cat|cp|mv|rm|mkdir)\s"  # shell commands that need no mark
    r"|.*\?\s*$)"  # a question with its mark behind
)


def only_python(source: str) -> str:
    """The source with `pass` in the place of each line that IPython understands and Python does not."""
    lines = source.splitlines()
    if source.lstrip().startswith("%%"):
        first = next(number for number, line in enumerate(lines) if line.strip())
        if lines[first].split()[0] not in _RUNNING:
            return ""
        lines[first] = ""
    while True:
        try:
            ast.parse("\n".join(lines))
        except SyntaxError as error:
            number = (error.lineno or 0) - 1
            if not (0 <= number < len(lines) and _ESCAPED.match(lines[number])):
                break
            _replace(lines, number)
        else:
            break
    return "\n".join(lines) + "\n"


def _replace(lines: list[str], number: int) -> None:
    """Put `pass` in the place of a line and nothing in the place of those that continue it."""
    line = lines[number]
    lines[number] = line[: len(line) - len(line.lstrip())] + "pass"
    while line.endswith("\\") and number + 1 < len(lines):
        number += 1
        line, lines[number] = lines[number], ""

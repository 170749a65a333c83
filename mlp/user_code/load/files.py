"""Where a module of theirs stands on disk, found without running any of it, and whether a file of it has changed."""

import sys
from pathlib import Path

from mlp.user_code.messages import Fact, ForeignError

SUFFIXES = (".py", ".ipynb")
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

"""Importing a module of theirs as it is imported at home: in its package, beside its neighbours, from its root."""

import ast
import dis
import importlib
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from mlp.user_code import vocabulary
from mlp.user_code.load.files import NOTEBOOK, SUFFIXES, Cell, cells_of
from mlp.user_code.load.statements import Run
from mlp.user_code.load.stubs import Inert, opening, stand_ins
from mlp.user_code.messages import Fact, ForeignError, home_of, told

_ANCESTORS = 6  # how far up an import may look for its root


class Loaded(NamedTuple):
    """A module, and what a person should know of how it was imported."""

    module: ModuleType
    facts: tuple[Fact, ...] = ()


class _Home(NamedTuple):
    """Where a file stands: the folder of its outermost package and its name below that."""

    root: Path
    parts: tuple[str, ...]


def load(spec: str, whole: bool = True) -> Loaded:
    """Import their module, from a file (`my_layers.py`, `homework.ipynb`) or by name (`package.module`).

    A statement at the top level of a file that raises, such as one that reads data, costs only itself: what the module
    defines is imported all the same, and the fact is told.

    Args:
        spec: the file or the name.
        whole: False to run nothing but what defines something, where the top level does not come to an end.

    Raises:
        ForeignError: there is no such module, or importing it raised; their frames are told.
    """
    _old_names_of_numpy()
    with stand_ins() as taken:
        path = Path(spec)
        if path.suffix not in SUFFIXES:
            sys.path.insert(0, str(Path.cwd()))
            with told(f"importing {spec}"):
                loaded = Loaded(importlib.import_module(spec))
        elif not path.is_file():
            raise ForeignError(Fact("problem", f"there is no file {spec}"))
        else:
            loaded = _load_file(path.resolve(), whole)
    if taken:
        text = f"not installed, so a stand-in that does nothing was imported: {', '.join(taken)}"
        loaded = loaded._replace(facts=(*loaded.facts, Fact("note", text)))
    return loaded


def _old_names_of_numpy() -> None:
    """Names that numpy had for decades and code still uses; what they mean has not changed."""
    for name, meaning in _OLD_NAMES.items():
        if name not in vars(np):
            setattr(np, name, meaning)


_OLD_NAMES = {
    "float": float, "int": int, "bool": bool, "object": object, "str": str, "float_": np.float64, "NaN": np.nan,
    "Inf": np.inf, "infty": np.inf, "product": np.prod, "alltrue": np.all, "sometrue": np.any, "row_stack": np.vstack,
    "in1d": np.isin, "round_": np.round,
}  # fmt: skip


def _load_file(file: Path, whole: bool) -> Loaded:
    cells = cells_of(file)
    if file.suffix == NOTEBOOK:
        os.chdir(file.parent)  # as Jupyter does
    home = _home(file, 0 if file.suffix == NOTEBOOK else _depth(file, cells[0]))
    folders = file.parents[:_ANCESTORS]
    inside = [folder for folder in reversed(folders) if home.root in folder.parents]
    outside = [folder for folder in folders if folder not in inside]
    # The folders of a package come last, its outermost first: a neighbour called random.py must not hide Python's own,
    # nor net/net.py the package net.
    before, after = ([home.root], [*inside, *outside]) if inside else (outside[:1], outside[1:])
    sys.path[:] = [*map(str, before), *sys.path, *map(str, after)]
    name = ".".join([*_package(home), home.parts[-1]])
    if name in sys.modules and len(home.parts) == 1:
        name = f"checked_{name}"
    if whole and name in sys.modules:  # its package has imported it
        return Loaded(sys.modules[name])
    return _executed(file, cells, name, whole)


def _home(file: Path, depth: int) -> _Home:
    """The package of a file: every folder above it with an __init__.py, and at least `depth` of them."""
    folders = [file.parent, *file.parent.parents]
    count = 0
    while count < len(folders) - 1 and ((folders[count] / "__init__.py").is_file() or count < depth):
        count += 1
    return _Home(folders[count], (*(folder.name for folder in reversed(folders[:count])), file.stem))


def _depth(file: Path, cell: Cell) -> int:
    """How many folders up the file's imports reach: 1 for `from .layer import ...`, or `import net.layer` in net."""
    with told(cell.doing):
        nodes = list(ast.walk(ast.parse(cell.source, cell.file)))
    relative = [node.level for node in nodes if isinstance(node, ast.ImportFrom)]
    names = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    names += [one.name for node in nodes if isinstance(node, ast.Import) for one in node.names]
    below = {tuple(name.split(".")[:2]) for name in names if "." in name}
    folders = file.parents[:_ANCESTORS]
    absolute = [
        depth
        for depth, folder in enumerate(folders, 1)
        if any(first == folder.name and list(folder.glob(f"{second}*")) for first, second in below)
    ]
    return max([0, *relative, *absolute])


def _package(home: _Home) -> list[str]:
    """Import the packages around a file and give their names; one that cannot be imported becomes an empty one."""
    names: list[str] = []
    folder = home.root
    for part in home.parts[:-1]:
        folder /= part
        name = ".".join([*names, part])
        if not names and _is_elsewhere(name, folder):
            name = f"checked_{name}"  # a module of this name is there already, and it is not theirs
        try:
            found = importlib.import_module(name)
            if str(folder) not in [str(Path(path).resolve()) for path in found.__path__]:
                raise ImportError(name)
        except (Exception, SystemExit):
            _empty_package(name, folder)
        names = name.split(".")
    return names


def _is_elsewhere(name: str, folder: Path) -> bool:
    held = sys.modules.get(name)
    return held is not None and str(folder) not in [str(Path(path).resolve()) for path in getattr(held, "__path__", [])]


def _empty_package(name: str, folder: Path) -> None:
    """A package without the code in its __init__.py, so that at least its modules find each other."""
    for held in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
        del sys.modules[held]
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package


def _executed(file: Path, cells: list[Cell], name: str, whole: bool) -> Loaded:
    loader = importlib.machinery.SourceFileLoader(name, str(file))
    spec = importlib.util.spec_from_file_location(name, file, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    missing: list[str] = []
    vars(module).update(_OF_NOTEBOOKS | {"open": opening(missing)})
    run = Run(vars(module))
    for cell in cells:
        run.cell(cell, whole)
    texts = [f"there is no {name}, so a short text of seven letters was read in its place" for name in missing]
    texts += [f"{name} is defined nowhere, and was taken to be {words}" for name, words in _supplied(vars(module))]
    return Loaded(module, (*run.facts, *(Fact("note", text) for text in dict.fromkeys(texts))))


def _supplied(names: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Give a module what its code goes by and nothing has defined, where the name says it: np, and a learning rate."""
    held = [one for one in names.values() if home_of(one) == names["__name__"]]
    classes = [type.__getattribute__(one, "__dict__") for one in held if issubclass(type(one), type)]
    inside = [one for cls in classes for one in cls.values()]
    for function in (one for one in (*held, *inside) if type(one) is FunctionType):
        for step in dis.get_instructions(function):
            name = step.argval if step.opname == "LOAD_GLOBAL" else ""
            is_rate = vocabulary.roles(name)[:1] == ("rate",)
            if (is_rate or name == "np") and type(names.get(name, Inert(name))) is Inert:
                names[name], words = (1.0, "1.0") if is_rate else (np, "numpy")
                yield name, words


# What IPython adds to Python's own names; notebooks that were saved as files use it too.
_OF_NOTEBOOKS = {"display": lambda *_things, **_named: None, "get_ipython": lambda: Inert("IPython")}

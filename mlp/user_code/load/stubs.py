"""Stand-ins for libraries that draw, tell progress or fetch data: a layer needs none of them to go backward.

Much code imports them on top of the file that holds its layers. Where one is not installed, an import of it gives
something inert instead: every attribute of it, and every call, is inert as well. What a layer computes with is never
replaced.
"""

import builtins
import importlib.abc
import importlib.machinery
import importlib.util
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any

from mlp.user_code.messages import is_ours

_DRAWING = (
    "matplotlib", "mpl_toolkits", "pylab", "seaborn", "plotly", "bokeh", "graphviz", "pydot", "networkx", "IPython",
    "ipywidgets", "PIL", "cv2", "imageio", "skimage",
)  # fmt: skip
_TELLING = (
    "tqdm", "progressbar", "colorama", "termcolor", "tabulate", "prettytable", "wandb", "tensorboardX", "pytest",
    "memory_profiler", "line_profiler", "numba",
)  # fmt: skip
_BARS = ("tqdm", "progressbar")
_FETCHING = (
    "google", "nnfs", "sklearn", "tensorflow", "keras", "torchvision", "h5py", "pandas", "requests", "dill", "joblib",
    "idx2numpy", "mnist",
)  # fmt: skip
_OLDER = ("past", "future", "six")  # of which Python itself has all that a layer needs
_RENAMED = {"xrange": range, "izip": zip, "imap": map, "unicode": str, "basestring": str, "long": int}
ORNAMENTS = frozenset((*_DRAWING, *_TELLING, *_FETCHING, *_OLDER))


called: dict[str, None] = {}
"""The libraries whose stand-in was called since this was last cleared, in the order of their first call."""


class NotInstalledError(TypeError):
    """A stand-in was asked for what only the library itself has: numbers, a length, an answer to a question."""

    def __init__(self, library: str) -> None:
        """Say which library."""
        super().__init__(f"{library} is not installed, and the stand-in for it has no numbers")
        self.library = library


class Inert:
    """Whatever is asked of it, the answer is itself: `plt.subplots(2).legend()` is one of these.

    It stands for a library, or for what an import that failed would have given; whoever needs a number of it hears of
    that error.
    """

    def __init__(self, library: str, error: Exception | None = None) -> None:
        self._library, self._error = library, error or NotInstalledError(library)

    def __getattr__(self, name: str) -> "Inert":
        """Give itself for any name but those that Python itself looks up."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *arguments: Any, **_named: Any) -> Any:
        """Give itself; of `@profile` the function that it decorates, of `tqdm(range(9))` what it goes through."""
        if isinstance(self._error, ImportError) and any(not (callable(one) or type(one) is str) for one in arguments):
            _refuse(self)  # it computes with them
        called[self._library] = None
        given_back = arguments and (self._library in _BARS or (len(arguments) == 1 and callable(arguments[0])))
        return arguments[0] if given_back else self

    def __setitem__(self, _key: Any, _value: Any) -> None:
        """Forget it: `plt.rcParams["figure.dpi"] = 80`."""

    def __exit__(self, *_raised: object) -> None:
        """Let pass what was raised inside."""


def _refuse(self: Inert, *_others: Any, **_named: Any) -> Any:
    raise self._error.with_traceback(None)


for _name in ("getitem", "enter"):  # axes[0].plot(x), with tqdm(total=9) as bar
    setattr(Inert, f"__{_name}__", lambda self, *_key: self)
# A number made of a stand-in would be checked as if it were theirs.
for _name in (
    "add", "sub", "mul", "truediv", "matmul", "pow", "radd", "rsub", "rmul", "rtruediv", "rmatmul", "rpow", "neg", "lt",
    "le", "gt", "ge", "iter", "len", "bool", "array", "array_ufunc", "float", "int", "index", "eq", "ne",
):  # fmt: skip
    setattr(Inert, f"__{_name}__", _refuse)
Inert.__hash__ = object.__hash__  # type: ignore[method-assign]


class Unknown:
    """The base class that an import which failed would have given: what a layer has of its own, it goes by."""

    def __init__(self, *_arguments: Any, **_named: Any) -> None:
        """Take whatever is said."""


def _base(self: Inert, bases: tuple[Any, ...]) -> tuple[type, ...]:
    return (Unknown,) if isinstance(self._error, ImportError) else _refuse(self, bases)


Inert.__mro_entries__ = _base  # type: ignore[attr-defined]


class _StandIn(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        library = self.__name__.partition(".")[0]
        own = _RENAMED.get(name, getattr(builtins, name, None)) if library in _OLDER else None
        return Inert(library) if own is None else own


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The last that Python asks: by then nobody has the module."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] not in ORNAMENTS or not _is_wanted_by_them():
            return None
        return importlib.util.spec_from_loader(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        top = module.__name__.partition(".")[0]
        if top not in self.taken:
            self.taken.append(top)


_TEXT = 10 * "abe bad cab dab dad add bee cad\n"


def opening(missing: list[str]) -> Callable[..., Any]:
    """As `open`, but a text that is not there is a short one, and its name noted: letters alone count in a model."""

    def opened(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        try:
            return builtins.open(file, mode, *arguments, **named)  # noqa: PTH123  # a file may be a number as well
        except FileNotFoundError:
            if mode not in ("r", "rt") or not str(file).endswith(".txt"):
                raise
            missing.append(str(file))
            return io.StringIO(_TEXT)

    return opened


def _is_wanted_by_them() -> bool:
    """Whether their code imports it: a library that tries what else is installed must hear the truth."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (frame.f_code.co_filename == __file__ or "importlib" in frame.f_code.co_filename):
        frame = frame.f_back
    return frame is not None and not is_ours(frame.f_code.co_filename)


@contextmanager
def stand_ins() -> Iterator[list[str]]:
    """Let stand-ins be imported inside; the list names the libraries that one was taken for."""
    finder = _Finder()
    sys.meta_path.append(finder)
    try:
        yield finder.taken
    finally:
        sys.meta_path.remove(finder)

"""`python -m mlp my_layers.py`: check the layers, losses and functions of a module from a shell."""

import argparse
import importlib.util
import sys
from pathlib import Path

from mlp.differences.methods import METHODS
from mlp.user_code.load.files import SUFFIXES
from mlp.user_code.process import SECONDS, check_module
from mlp.user_code.settings import options_text
from mlp.user_code.tell.text import case_columns, csv_text, module_text


def main(arguments: list[str]) -> int:
    """Check, print, and return the exit code: 0 all right, 1 something is wrong, 2 the call itself is.

    What a terminal cannot show, such as a letter that it does not have, is written as an escape sequence.
    """
    parser = argparse.ArgumentParser(
        "python -m mlp",
        description="Check the gradients in a module of layers.",
        epilog=options_text(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("module", help="a file, my_layers.py or homework.ipynb, or a module name, package.layers")
    parser.add_argument("--csv", metavar="FILE", help="write every entry of every gradient to this file")
    parser.add_argument("--eps", type=float, default=1e-4, help="step of the numerical derivatives (default 1e-4)")
    parser.add_argument("--method", choices=list(METHODS), default="central", help="of the numerical derivatives")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="processor time for each (default 10)")
    chosen = parser.parse_args(arguments)
    if not 0 < chosen.eps < float("inf") or not 0 < chosen.seconds < float("inf"):
        parser.error("--eps and --seconds must be positive numbers")
    if not _exists(chosen.module):
        parser.error(f"there is no file or module {chosen.module}")
    result = check_module(chosen.module, chosen.eps, chosen.method, chosen.seconds)
    sys.stdout.write(_writable(module_text(result), sys.stdout.encoding) + "\n")
    if chosen.csv:
        try:
            Path(chosen.csv).write_text(csv_text(case_columns(result.cases)), encoding="utf-8", newline="")
        except OSError as error:
            parser.error(f"the CSV file cannot be written: {error}")
    return 0 if result.passed else 1


def _exists(module: str) -> bool:
    """Whether there is such a file, or a module of the name's first part: the rest shows when it is imported."""
    if module.endswith(SUFFIXES):
        return Path(module).is_file()
    if not all(part.isidentifier() for part in module.split(".")):
        return False
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.util.find_spec(module.partition(".")[0]) is not None
    except ValueError:  # a module that is there already, and says nothing of where it is from
        return True
    finally:
        del sys.path[0]


def _writable(text: str, encoding: str) -> str:
    """The text with every mark that controls a terminal, or that it cannot write, as an escape sequence."""
    plain = "".join(mark if mark.isprintable() or mark == "\n" else ascii(mark)[1:-1] for mark in text)
    return plain.encode(encoding, "backslashreplace").decode(encoding)


def command() -> int:
    """The console script `mlp-check`."""
    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(command())

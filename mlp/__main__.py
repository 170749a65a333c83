"""`python -m mlp my_layers.py`: check the layers, losses and functions of a module from a shell."""

import argparse
import sys
from pathlib import Path

from mlp.differences.methods import METHODS
from mlp.user_code.load.files import SUFFIXES
from mlp.user_code.process import SECONDS, check_module
from mlp.user_code.settings import options_text
from mlp.user_code.tell.text import case_columns, csv_text, module_text


def main(arguments: list[str]) -> int:
    """Check, print, and return the exit code: 0 all right, 1 something is wrong, 2 the call itself is."""
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
    if chosen.module.endswith(SUFFIXES) and not Path(chosen.module).is_file():
        parser.error(f"there is no file {chosen.module}")
    result = check_module(chosen.module, chosen.eps, chosen.method, chosen.seconds)
    if chosen.csv:
        Path(chosen.csv).write_text(csv_text(case_columns(result.cases)), encoding="utf-8", newline="")
    sys.stdout.write(module_text(result) + "\n")
    return 0 if result.passed else 1


def command() -> int:
    """The console script `mlp-check`."""
    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(command())

"""Every line that is suggested works when it is pasted, and every setting does what the table of settings says."""

import re
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from mlp.user_code.check import examine
from mlp.user_code.load.discovery import cases, own
from mlp.user_code.load.importing import load
from mlp.user_code.settings import OPTIONS, Override, line, options_table, options_text, override_of, read_overrides

NUMBER = count()
ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"


pytestmark = pytest.mark.usefixtures("verdict_alone")


def examined(tmp_path, source):
    path = tmp_path / f"hint{next(NUMBER)}.py"
    path.write_text("import numpy as np\n\n" + source)
    module = load(str(path)).module
    overrides = read_overrides(module, list(own(module)))
    (case,) = [case for case in cases(module, overrides) if not case.name.startswith("_")]
    return examine(case, 1e-4, "central")


def blocks(name):
    """The things in a file of the corpus by the comment above each."""
    found = (CORPUS / f"{name}.py").read_text().split("\n\n\n# ")[1:]
    return {kind: source for kind, _, source in (block.partition("\n") for block in found)}


SOURCES = blocks("suggested") | blocks("settings")
SOURCES |= {"average": SOURCES["averages meant"], "seed": SOURCES["a seed"]}
# The status of each before and after the line that its answer suggests is pasted below it.
SUGGESTED = {
    "a constant": ("partly checked", "passed"),
    "an argument of forward": ("not checked", "passed"),
    "a method of another name": ("not checked", "passed"),
    "averages forbidden": ("passed", "wrong"),
    "averages meant": ("partly checked", "passed"),
    "a seed": ("not checked", "passed"),
    "a slope handed to a loss": ("not checked", "passed"),
    "a slope that a loss cancels": ("not checked", "wrong"),
}


@pytest.mark.one_in(2)
@pytest.mark.parametrize("kind", SUGGESTED)
def test_the_line_that_is_suggested_works_when_it_is_pasted(kind, tmp_path):
    source, (before, after) = SOURCES[kind], SUGGESTED[kind]
    result = examined(tmp_path, source)
    assert result.status == before, [str(fact) for fact in result.facts]
    (said,) = re.findall(r"GRADCHECK = \{.*\}", "\n".join(fact.text for fact in result.facts))
    again = examined(tmp_path, f"{source}\n{said}\n")
    assert again.status == after, [str(fact) for fact in again.facts]
    assert "GRADCHECK[" not in "\n".join(fact.text for fact in again.facts)


# What each needs.
NEEDED: dict[str, dict[str, Any]] = {
    "args": {"args": {"key": "a"}},
    "first_calls": {"first_calls": {"prepare_it": ["steep"]}},
    "x": {"x": [(5, 4), (5, 4), "sum"], "constants": ["x.1"]},
    "arrays": {"arrays": {"blend": (4, 3)}},
    "target": {"target": 7},
    "forward": {"forward": "there"},
    "backward": {"backward": ["for_input", "for_weights"]},
    "forward_args": {"forward_args": {"how": "twice"}},
    "backward_args": {"backward_args": {"grads": "all", "g": "dy"}},
    "outputs": {"outputs": [1]},
    "loss": {"loss": "badness", "backward": "slopes"},
    "parameters": {
        "parameters": {"mixing": (4, 3), "stretch": (3,)},
        "loss": "squared_loss",
        "backward": "backward_all",
    },
    "pairs": {"pairs": {"mixing": "slope"}},
    "constants": {"constants": ["s"]},
    "per_sample": {"per_sample": ["db"]},
    "average": {"average": True},
    "orientation": {"orientation": "columns"},
    "seed": {"seed": "reseed"},
}


@pytest.mark.parametrize("option", NEEDED)
def test_each_setting_makes_a_layer_pass_that_does_not_without(option, tmp_path):
    source, settings = SOURCES[option], NEEDED[option]
    name = re.findall(r"(?:class|def) (\w+)", source)[0]
    try:
        before = examined(tmp_path, source).status
    except ValueError:  # it is not even found
        before = "not found"
    assert before != "passed"
    result = examined(tmp_path, f"{source}\n{line(name, **settings)}\n")
    assert result.status == "passed", [str(fact) for fact in result.facts]


def test_every_setting_has_a_row_in_the_table_and_a_valid_example():
    table = options_table()
    assert table in (ROOT / "README.md").read_text()
    assert len(table.splitlines()) == 2 + len(OPTIONS)
    for name, option in OPTIONS.items():
        assert f"| `{name}` | " in table
        assert f"  {name} " in options_text()
        assert isinstance(override_of({name: option.example}, "GRADCHECK['Cube']"), Override)
    assert set(OPTIONS) == set(vars(Override()))
    assert set(NEEDED) | {"skip"} == set(OPTIONS)

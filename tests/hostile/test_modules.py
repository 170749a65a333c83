"""Whatever stands beside it in a module, a right class is found and passes; and what is odd is told in plain data."""

import itertools
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from mlp import __main__ as shell
from mlp.user_code import serialise
from mlp.user_code.check import CaseResult, examine
from mlp.user_code.load.discovery import cases, own
from mlp.user_code.load.importing import load
from mlp.user_code.messages import ForeignError
from mlp.user_code.process import ModuleResult, check_module
from mlp.user_code.settings import OPTIONS, read_overrides
from mlp.user_code.tell.text import module_text
from tests.hostile.trying import examples, try_all

GOOD = """
import numpy as np
class Good:
    def forward(self, x):
        self.x = x
        return x ** 2
    def backward(self, dy):
        return 2 * self.x * dy
"""
RAISES = "raise KeyError('of theirs \\ud800 \\x1b[31m')"
METACLASSES = [
    f"class {{name}}M(type):\n    def {method}: {body}\n"
    for method, body in [
        ("__getattr__(cls, name)", RAISES),
        ("__getattr__(cls, name)", "return lambda *args, **named: None"),
        ("__getattribute__(cls, name)", RAISES),
        ("__eq__(cls, other)", RAISES),
        ("__hash__(cls)", RAISES),
        ("__subclasscheck__(cls, other)", RAISES),
        ("__instancecheck__(cls, other)", RAISES),
        ("__dir__(cls)", RAISES),
        ("__repr__(cls)", RAISES),
        ("__bool__(cls)", RAISES),
        ("__call__(cls, *args)", "return 5"),
        ("mro(cls)", "return [cls, object]"),
    ]
]
DESCRIPTORS = [
    f"class {{name}}D:\n    def __get__(self, one, owner=None): {RAISES}\n",
    "class {name}D:\n    def __get__(self, one, owner=None): return 5\n",
]
MEMBERS = [
    f"    def __getattribute__(self, name): {RAISES}\n",
    f"    def __getattr__(self, name): {RAISES}\n",
    "    def __getattr__(self, name): return self\n",
    f"    def __eq__(self, other): {RAISES}\n",
    f"    def __deepcopy__(self, memo): {RAISES}\n",
    "    def __deepcopy__(self, memo): return 5\n",
    f"    def __dir__(self): {RAISES}\n",
    "    __slots__ = ('x',)\n",
    "    __signature__ = 5\n",
    "    __module__ = 5\n",
    "    __class__ = property(lambda self: int)\n",
    f"    def _raising(self): {RAISES}\n    __class__ = property(_raising)\n",
    f"    def __array__(self, *_): {RAISES}\n",
    f"    def __len__(self): {RAISES}\n",
    "    __name__ = 7\n",
    "    __doc__ = 7\n",
    "    __init__ = None\n",
    "    __call__ = 5\n",
    "    backward = 5\n",
    "    forward = staticmethod(lambda x: x)\n",
    "    @property\n    def W(self): " + RAISES + "\n",
]
RETURNS = ["x", "'text'", "None", "x.tolist()", "{'a': x}", "(x, x)", "x * np.nan", "x.astype(object)", "[x, None]"]
RETURNS += ["np.ma.masked_array(x, x > 0)", "10**400", "(y for y in x)", "type(x)", "self", "np.array('a')", "x * 1j"]
RETURNS += ["x.astype('M8[s]')", "x[:0]", "x[..., None]", "np.float32(3)", "lambda: x", "float('inf')", "True", "..."]
VALUES = ["5", "'text'", "None", "(3, 4)", "[]", "{}", "{'W': 'dW'}", "{5: 6}", "[1, 'a']", "(10**9,)", "True", "''"]
VALUES += ["{'x': (3, 4)}", "float('nan')", "np.ones((2, 3))", "{'W': (2, 2)}", "['nothing']", "object()", "(-1, 2)"]

COUNTER = itertools.count()


@st.composite
def odd_classes(draw, name):
    """The source of a class, with a metaclass, a descriptor and members at will."""
    meta = draw(st.sampled_from(["", *METACLASSES])).replace("{name}", name)
    descriptor = draw(st.sampled_from(["", *DESCRIPTORS])).replace("{name}", name)
    head = f"class {name}(metaclass={name}M):\n" if meta else f"class {name}:\n"
    held = f"    {draw(st.sampled_from(['x', 'forward', 'backward', 'W', 'loss']))} = {name}D()\n" if descriptor else ""
    forward, backward = draw(st.sampled_from(RETURNS)), draw(st.sampled_from(["dy", RAISES, *RETURNS]))
    back = backward.replace("x", "dy") if backward != RAISES else backward
    body = f"    def forward(self, x): return {forward}\n    def backward(self, dy): "
    body += back + "\n" if back.startswith("raise") else f"return {back}\n"
    members = draw(st.lists(st.sampled_from(MEMBERS), max_size=3, unique=True))
    made = draw(st.sampled_from(["", f"try: {name.lower()} = {name}()\nexcept BaseException: pass\n"]))
    return meta + descriptor + head + body + held + "".join(members) + made


@st.composite
def modules(draw):
    """A module with a right class, odd ones around it, and a GRADCHECK of anything about one of those."""
    before, after = draw(odd_classes("Before")), draw(odd_classes("After"))
    settings = draw(st.dictionaries(st.sampled_from([*OPTIONS, "nonsense"]), st.sampled_from(VALUES), max_size=3))
    said = ", ".join(f"{key!r}: {value}" for key, value in settings.items())
    check = draw(st.sampled_from(["", f"GRADCHECK = {{'After': {{{said}}}}}\n"]))
    return "import numpy as np\n" + before + GOOD + after + check


def good_passes_and_all_is_told(folder):
    def check(source):
        path = folder / f"hostile{next(COUNTER)}.py"
        path.write_text(source)
        search = sys.path[:]
        try:
            module = load(str(path)).module
            overrides = read_overrides(module, list(own(module)))
        except ForeignError:  # GRADCHECK is refused as a whole, in a sentence
            return
        finally:
            sys.path[:] = search
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # numpy's, of numbers of theirs
            found = [examine(case, 1e-4, "central") for case in cases(module, overrides)]
        told = {case.name: case for case in found}
        assert told["Good"].passed
        serialise.save(ModuleResult(tuple(found)), folder / "result")
        text = module_text(serialise.load(folder / "result"))
        text.encode()
        assert all(case.status for case in found)
        path.unlink()
        del sys.modules[module.__name__]

    return check


@examples
def test_a_right_class_passes_whatever_stands_beside_it(examples, tmp_path):
    try_all(good_passes_and_all_is_told(tmp_path), modules(), examples // 4)


def test_a_module_may_answer_for_itself(tmp_path):
    for body in (RAISES, "return 5"):
        path = tmp_path / f"answers{len(body)}.py"
        path.write_text(f"{GOOD}\ndef __getattr__(name): {body}\n")
        (case,) = check_module(str(path)).cases
        assert case.passed


def test_gradcheck_may_be_a_dict_of_their_own(tmp_path):
    path = tmp_path / "own_dict.py"
    path.write_text(f"""{GOOD}
class Own(dict):
    def items(self): {RAISES}
    def __iter__(self): {RAISES}
    def __getitem__(self, key): {RAISES}
GRADCHECK = Own(Good=Own(x=(3, 4)))
""")
    (case,) = check_module(str(path)).cases
    assert case.passed
    assert case.reading["input"].endswith("here (3, 4)")


@pytest.mark.parametrize("odd", [METACLASSES[0].replace("{name}", "Odd"), ""], ids=["raises", "has none"])
def test_args_of_a_class_that_does_not_say_what_it_takes_have_to_be_named(tmp_path, odd):
    path = tmp_path / f"unnamed{len(odd)}.py"
    head = "class Odd(metaclass=OddM): pass\n" if odd else "class Odd: __init__ = None\n"
    path.write_text(f"{GOOD}{odd}{head}GRADCHECK = {{'Odd': {{'args': (3, 4)}}}}\n")
    module = load(str(path)).module
    with pytest.raises(ForeignError, match=r"GRADCHECK\['Odd'\]: 'args' must be a dict by name"):
        read_overrides(module, ["Odd"])


def test_settings_that_name_nothing_are_told_and_are_no_pass(tmp_path):
    path = tmp_path / "misspelt.py"
    said = {"pairs": {"V": "dV"}, "constants": ["mask"], "per_sample": ["dV"], "args": {"n": 3}}
    source = GOOD.replace("class Good:", "class Good:\n    def __init__(self): pass")
    path.write_text(f"{source}GRADCHECK = {{'Good': {said}}}")
    (case,) = check_module(str(path)).cases
    assert case.status == "partly checked"
    named = ["V", "mask", "dV", "n"]
    assert [fact.text.split("names ")[1].split(",")[0] for fact in case.gaps] == [repr(name) for name in named]


def test_two_hundred_classes_take_twice_as_long_as_a_hundred(tmp_path):
    def seconds(count):
        path = tmp_path / f"many{count}.py"
        path.write_text("\n".join(GOOD.replace("Good", f"Good{i}") for i in range(count)))
        module = load(str(path)).module
        start = time.process_time()
        assert len(cases(module, {})) == count
        return time.process_time() - start

    seconds(10)  # what is computed once
    # Linear is 4, quadratic 16; the line between them is their geometric mean.
    assert min(seconds(400) for _ in range(3)) < 8 * min(seconds(100) for _ in range(3))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the system does not tell what processes inherited")
def test_what_a_module_starts_in_a_session_of_its_own_ends_with_the_check(tmp_path):
    path, told = tmp_path / "starts.py", tmp_path / "pid"
    start = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)"
    path.write_text(f"{GOOD}\nimport subprocess, sys\nopen({str(told)!r}, 'w').write(str({start}.pid))\n")
    check_module(str(path))
    for _ in range(100):  # its new parent has to see that it ended
        if not Path(f"/proc/{told.read_text()}").exists() or "Z" in Path(f"/proc/{told.read_text()}/stat").read_text():
            return
        time.sleep(0.05)
    raise AssertionError("it lives on")


@pytest.mark.parametrize("module", ["no_such_module", "no_such.py", "..up", ".", "two words"])
def test_a_wrong_call_ends_with_2(module, capsys):
    with pytest.raises(SystemExit) as ended:
        shell.main([module])
    assert ended.value.code == 2
    assert f"there is no file or module {module}" in capsys.readouterr().err


def test_results_come_before_a_csv_that_cannot_be_written(tmp_path, capsys):
    path = tmp_path / "right.py"
    path.write_text(GOOD)
    with pytest.raises(SystemExit) as ended:
        shell.main([str(path), "--csv", str(tmp_path / "no" / "such.csv")])
    shown = capsys.readouterr()
    assert ended.value.code == 2
    assert "1 right" in shown.out
    assert "the CSV file cannot be written" in shown.err


def test_a_terminal_of_ascii_gets_every_name(tmp_path):
    path = tmp_path / "names.py"
    odd = GOOD.replace("Good", "Odd").replace("return x ** 2", RAISES)
    path.write_text(GOOD.replace("Good", "Gr\u00f6\u00dfe") + odd)
    run = subprocess.run(
        [sys.executable, "-m", "mlp", str(path)], capture_output=True, env={"PYTHONIOENCODING": "ascii"}, check=False
    )
    assert run.returncode == 1
    assert b"Gr\\xf6\\xdfe" in run.stdout
    assert b"\x1b" not in run.stdout
    assert not run.stderr


def test_text_is_no_output(tmp_path):
    path = tmp_path / "text.py"
    path.write_text(GOOD.replace("return x ** 2", "return 'text'"))
    (case,) = check_module(str(path)).cases
    assert isinstance(case, CaseResult)
    assert case.problems[0].text == "Good.forward returns str, not an array of numbers"

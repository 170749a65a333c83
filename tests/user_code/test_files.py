"""A file of theirs: found, or a sentence that says what was looked for; its cells, and whether it has changed."""

import json
import os
import re
from pathlib import Path

import pytest

from mlp.user_code.load import files
from mlp.user_code.load.files import cells_of, only_python, source_file, stamp
from mlp.user_code.messages import ForeignError


def refused(call, *arguments):
    with pytest.raises(ForeignError) as error:
        call(*arguments)
    return str(error.value)


def test_a_file_or_a_module_is_found_and_what_is_none_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    package = tmp_path / "pack"
    package.mkdir()
    for path in (tmp_path / "mine.py", package / "__init__.py", package / "layers.py", tmp_path / "notes.txt"):
        path.write_text("")
    (tmp_path / "folder").mkdir()
    assert source_file("mine.py") == source_file("mine") == (tmp_path / "mine.py").resolve()
    assert source_file("pack") == (package / "__init__.py").resolve()
    assert source_file("pack.layers") == (package / "layers.py").resolve()
    assert source_file("json") == Path(json.__file__).resolve()
    ends = "name a file that ends in .py or .ipynb, or a module"
    assert refused(source_file, "other.py") == "there is no file other.py"
    assert refused(source_file, "folder.py") == "there is no file folder.py"
    assert refused(source_file, "folder") == f"folder is a folder; {ends}"
    assert refused(source_file, "notes.txt") == f"notes.txt is no Python file; {ends}"
    assert refused(source_file, "nowhere.at.all") == (
        "there is no module nowhere.at.all in this folder or where Python looks for modules"
    )


def test_a_stamp_changes_with_the_file_and_those_beside_it(tmp_path):
    mine, beside, other = tmp_path / "mine.py", tmp_path / "beside.py", tmp_path / "notes.txt"
    for path in (mine, beside, other):
        path.write_text("a")
    before = stamp(mine)
    assert [name for name, _, _ in before] == ["beside.py", "mine.py"]
    other.write_text("longer")
    assert stamp(mine) == before
    beside.write_text("longer")
    assert stamp(mine) != before
    beside.write_text("a")
    os.utime(beside, ns=(0, before[0][1]))
    assert stamp(mine) == before
    mine.unlink()
    assert [name for name, _, _ in stamp(mine)] == ["beside.py"]


def test_of_a_package_all_modules_below_count(tmp_path):
    (tmp_path / "inner").mkdir()
    for path in (tmp_path / "__init__.py", tmp_path / "inner" / "deep.py"):
        path.write_text("")
    assert [name for name, _, _ in stamp(tmp_path / "__init__.py")] == ["__init__.py", "deep.py"]
    (tmp_path / "mine.py").write_text("")
    assert "deep.py" not in [name for name, _, _ in stamp(tmp_path / "mine.py")]


def notebook(*sources, **more):
    return {"cells": [{"cell_type": "code", "source": source} for source in sources], **more}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is no notebook: it is not JSON"),
        ([], "is no notebook: it has no list of cells"),
        ({"cells": 3}, "is no notebook: it has no list of cells"),
        ({"worksheets": []}, "has the format of notebooks before 2015; open it in Jupyter and save it"),
        (notebook(), "has no code cells"),
        (notebook(" ", ""), "has no code cells"),
        (
            notebook("x", metadata={"language_info": {"name": "julia", "version": "1.9"}}),
            "is a notebook in Julia 1.9; only Python 3 can be checked",
        ),
        (
            notebook("print 3", metadata={"language_info": {"name": "python", "version": "2.7"}}),
            "is a notebook in Python 2.7; only Python 3 can be checked",
        ),
    ],
)
def test_what_is_no_notebook_in_python_is_told(tmp_path, content, words):
    path = tmp_path / "a.ipynb"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    assert refused(cells_of, path) == f"a.ipynb {words}"


def test_cells_have_the_numbers_that_jupyter_shows(tmp_path):
    path = tmp_path / "a.ipynb"
    content = notebook("x = 1", " ", ["y = 2\n", "z = 3"], metadata={"kernelspec": {"language": "python"}})
    content["cells"].insert(1, {"cell_type": "markdown", "source": "words"})
    path.write_text(json.dumps(content))
    cells = cells_of(path)
    assert [(cell.number, cell.source) for cell in cells] == [(1, "x = 1\n"), (2, "y = 2\nz = 3\n")]
    assert [cell.file for cell in cells] == [f"{path}, cell 1", f"{path}, cell 2"]
    assert [cell.doing for cell in cells] == ["running cell 1", "running cell 2"]
    # Of Python 2 what Python 3 understands is checked.
    path.write_text(json.dumps(notebook("x = 1", metadata={"language_info": {"name": "python", "version": "2.7"}})))
    assert len(cells_of(path)) == 1


def test_a_file_of_python_is_one_cell_in_its_own_encoding(tmp_path):
    path = tmp_path / "mine.py"
    path.write_bytes("# -*- coding: latin-1 -*-\nname = 'ä'\n".encode("latin-1"))
    [cell] = cells_of(path)
    assert (cell.file, cell.number, cell.doing) == (str(path), 0, "importing mine.py")
    assert "ä" in cell.source
    assert refused(cells_of, tmp_path / "gone.py").startswith("reading gone.py raised FileNotFoundError")


def test_a_notebook_of_pictures_is_too_large(tmp_path, monkeypatch):
    assert files.LARGEST == 50_000_000
    monkeypatch.setattr(files, "LARGEST", 2_000_000)
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(notebook("x" * 2_600_000)))
    assert re.fullmatch(
        "a.ipynb is 3 MB, and at most 2 MB are read; clear its outputs and save it again", refused(cells_of, path)
    )


@pytest.mark.parametrize(
    ("source", "python"),
    [
        ("x = 1\n!pip install a\ny = 2", "x = 1\npass\ny = 2\n"),
        ("%matplotlib inline\nx = 1", "pass\nx = 1\n"),
        ("for i in x:\n    !ls {i}", "for i in x:\n    pass\n"),
        ("files = !ls\nx = 1", "pass\nx = 1\n"),
        ("pip install numpy", "pass\n"),
        ("np.sum?\nx = 1", "pass\nx = 1\n"),
        ("!a \\\n  b\nx = 1", "pass\n\nx = 1\n"),
        ("%%time\nx = 1", "\nx = 1\n"),
        ("%%bash\nls", ""),
        ("x = 5 % 3", "x = 5 % 3\n"),
        ("def broken(:", "def broken(:\n"),  # that is theirs to mend
    ],
)
def test_what_only_ipython_understands_is_passed_over(source, python):
    assert only_python(source) == python

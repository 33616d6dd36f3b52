"""What a plugin's file depends on beside itself, and that plugins stay apart."""

import sys
from pathlib import Path

import pytest
import torch

from genbench.contracts.model import MODELS
from genbench.core.plugin_loading import LOADED, in_use
from genbench.core.registry import discover
from genbench.runs.code import code_of, files_of

PLUGIN = """
{imports}
from genbench import Model, register_model
{top}

@register_model("{name}", family="tests")
class Mine(Model):
    def fit(self, x):
        {inside}
    def sample(self, n):
        return {value}
"""
WAYS = {  # to import what lies beside a file
    "a folder of sys.path": ("import os, sys\nsys.path.insert(0, os.path.dirname(__file__))\nimport {module}", "pass"),
    "a relative import": ("from .{module} import SCALE", "pass"),
    "importlib": (
        "import importlib, os, sys\nsys.path.insert(0, os.path.dirname(__file__))\n"
        "helper = importlib.import_module('{module}')", "pass",
    ),
    "a computed name": (
        "import importlib, os, sys\nsys.path.insert(0, os.path.dirname(__file__))\n"
        "helper = importlib.import_module('{module}'.lower())", "pass",
    ),
    "inside a method": (
        "import os, sys\nsys.path.insert(0, os.path.dirname(__file__))", "from {module} import SCALE",
    ),
    "a file by its path": (
        "import importlib.util, os\nspec = importlib.util.spec_from_file_location("
        "'h', os.path.join(os.path.dirname(__file__), '{module}.py'))\n"
        "helper = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(helper)", "pass",
    ),
    "its text": ("from pathlib import Path\nexec(Path(__file__).with_name('{module}.py').read_text())", "pass"),
}  # fmt: skip


def write(folder, name, imports="", top="", inside="pass", value="None"):
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.py"
    file.write_text(PLUGIN.format(name=name, imports=imports, top=top, inside=inside, value=value))
    return str(file)


def identity(file, name):
    """Return all that the key of a trial holds of a plugin."""
    discover((file,))
    return code_of(MODELS[name]), files_of([file])


@pytest.mark.parametrize("way", WAYS)
def test_what_a_plugin_imports_from_beside_it_is_part_of_it(tmp_path, way):
    name = f"tests_way_{list(WAYS).index(way)}"
    imports, inside = (text.format(module=f"helper_{name}") for text in WAYS[way])
    helper = tmp_path / f"helper_{name}.py"
    helper.write_text(f"from deeper_{name} import OFFSET\nSCALE = 1.0\n" if "sys.path" in imports else "SCALE = 1.0\n")
    deeper = tmp_path / f"deeper_{name}.py"
    deeper.write_text("OFFSET = 0\n")
    file = write(tmp_path, name, imports, inside=inside)
    before = identity(file, name)
    assert identity(file, name) == before
    if way not in ("its text", "a file by its path"):
        helper.write_text("# a comment\n" + helper.read_text())
        assert identity(file, name) == before, "a comment changes no number"
    helper.write_text(helper.read_text().replace("SCALE = 1.0", "SCALE = 2.0"))
    after = identity(file, name)
    assert after != before
    if "sys.path" in imports:
        deeper.write_text("OFFSET = 1\n")
        assert identity(file, name) not in (before, after), "what the helper imports counts, too"


def test_a_folder_of_files_is_part_of_what_imports_it(tmp_path):
    package = tmp_path / "parts_of_tests"
    package.mkdir()
    (package / "__init__.py").write_text("from .scale import SCALE\n")
    (package / "scale.py").write_text("SCALE = 1.0\n")
    file = write(tmp_path, "tests_packed", "from .parts_of_tests import SCALE")
    before = identity(file, "tests_packed")
    (package / "unused.py").write_text("x = 1\n")
    assert identity(file, "tests_packed") == before
    (package / "scale.py").write_text("SCALE = 3.0\n")
    assert identity(file, "tests_packed") != before


def test_a_file_that_a_plugin_reads_when_it_is_imported_is_part_of_it_by_name(tmp_path):
    (tmp_path / "table.txt").write_text("1 2 3")
    top = "from pathlib import Path\nTABLE = Path(__file__).with_name('table.txt').read_text()"
    file = write(tmp_path, "tests_reads", top)
    _, before = identity(file, "tests_reads")
    assert before.keys() == {"file table.txt"}
    (tmp_path / "table.txt").write_text("1 2 4")
    Path(file).write_text(Path(file).read_text() + "# imported anew\n")
    _, after = identity(file, "tests_reads")
    assert after["file table.txt"] != before["file table.txt"]


@pytest.mark.parametrize(
    ("now", "same"),
    [
        ({"top": "SETTINGS = {}\nSETTINGS['scale'] = 2"}, False),
        ({"imports": "from math import pi as number"}, False),
        ({"top": "SETTINGS = {}\nSETTINGS['scale'] = 1\nUNUSED = 3"}, True),
        ({"top": "SETTINGS = {}\nSETTINGS['scale'] = 1  # one"}, True),
    ],
)
def test_statements_and_names_of_libraries_around_a_definition_count(tmp_path, now, same):
    first = {"top": "SETTINGS = {}\nSETTINGS['scale'] = 1", "imports": "from math import e as number"}
    name = f"tests_{tmp_path.name}"
    before, after = (identity(write(tmp_path, name, **first | more, value="number"), name) for more in ({}, now))
    assert (before == after) == same


def test_two_files_with_helpers_of_the_same_name_stay_apart(tmp_path):
    """Each has its own, also where a method imports it."""
    beside = "import os, sys\nsys.path.insert(0, os.path.dirname(__file__))\n"
    files = {}
    for part, scale in (("one", 1), ("two", 2)):
        for when, (imports, inside) in {
            "early": (beside + "import tests_same_helper", "return tests_same_helper.SCALE"),
            "late": (beside, "import tests_same_helper; return tests_same_helper.SCALE"),
        }.items():
            files[part, when] = write(tmp_path / part, f"tests_{part}_{when}", imports, inside=inside)
        (tmp_path / part / "tests_same_helper.py").write_text(f"SCALE = {scale}\n")
    discover(tuple(files.values()))
    for (part, when), file in [*files.items(), *reversed(files.items())]:
        with in_use([file]):
            assert MODELS[f"tests_{part}_{when}"].factory().fit(None) == {"one": 1, "two": 2}[part]
    assert code_of(MODELS["tests_one_late"]) != code_of(MODELS["tests_two_late"])


def test_what_an_import_changes_is_put_back_named_and_in_place_for_its_own_trials(tmp_path):
    top = """
import os
import torch
torch.set_default_dtype(torch.float64)
torch.nn.functional.silu = torch.nn.functional.relu
os.environ["TESTS_VARIABLE"] = "1"
"""
    file = write(tmp_path, "tests_upset", top)
    silu = torch.nn.functional.silu
    discover((file,))
    loaded = LOADED[file]
    assert torch.get_default_dtype() == torch.float32
    assert torch.nn.functional.silu is silu
    (note,) = loaded.notes()
    assert "tests_upset.py changed torch's default dtype from torch.float32 to torch.float64, " in note
    assert "the environment variable TESTS_VARIABLE when it was imported; it was put back" in note
    (caution,) = loaded.cautions()
    assert caution.startswith("tests_upset.py replaces torch.nn.functional.silu")
    with in_use([file]):
        assert torch.nn.functional.silu is torch.nn.functional.relu
    assert torch.nn.functional.silu is silu


def test_a_file_that_fails_leaves_no_module_behind(tmp_path):
    (tmp_path / "tests_left_over.py").write_text("x = 1\n")
    file = tmp_path / "fails.py"
    file.write_text("from . import tests_left_over\nimport nothing_like_this\n")
    with pytest.raises(Exception, match="line 2: ModuleNotFoundError"):
        discover((str(file),))
    assert not [name for name in sys.modules if "tests_left_over" in name]

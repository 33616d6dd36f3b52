import ast
import importlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from genbench.contracts.model import Model, ModelCard, register_model
from genbench.core.cards import Card, Suite
from genbench.core.errors import ContractError, GenbenchError
from genbench.core.nearby_plugins import plugin_hint
from genbench.core.parameters import bind, create
from genbench.core.registry import REGISTRY, Group, discover, failures
from genbench.core.selection import parse

ENGINE = Path(importlib.import_module("genbench").__file__).parent


@pytest.fixture
def group():
    group = Group("models")
    for name, family in (("cfm", "flow matching"), ("ot_cfm", "flow matching"), ("vae", "vae")):
        group.add(Card(name, family, lambda: None))
    return group


def test_selects_names_families_and_all_without_repeats(group):
    assert [str(s) for s in group.select("vae[latent_dim=4],cfm,cfm")] == ["vae[latent_dim=4]", "cfm"]
    assert [str(s) for s in group.select("flow-matching,cfm")] == ["cfm", "ot_cfm"]
    assert [str(s) for s in group.select("Flow Matching")] == ["cfm", "ot_cfm"]
    assert [str(s) for s in group.select("vae,all")] == ["vae", "cfm", "ot_cfm"]


@pytest.mark.parametrize(("name", "near"), [("cfn", "cfm"), ("otcfm", "ot_cfm"), ("flowmatching", "flow-matching")])
def test_an_unknown_name_answers_with_the_nearest(group, name, near):
    with pytest.raises(GenbenchError, match=f"no model '{name}'; did you mean .*{near}"):
        group.select(name)


def test_all_leaves_variants_out_and_zoo_and_a_family_do_not():
    group = Group("models")
    for name, variant in (("cfm", False), ("fm", True)):
        group.add(ModelCard(name, "flow matching", lambda: None, variant=variant))
    assert [str(s) for s in group.select("all")] == ["cfm"]
    assert [str(s) for s in group.select("zoo")] == ["cfm", "fm"]
    assert [str(s) for s in group.select("flow-matching")] == ["cfm", "fm"]
    for taken in ("all", "zoo"):
        with pytest.raises(GenbenchError, match=f"'{taken}' stands for a whole group"):
            group.add(Card(taken, "vae", lambda: None))


def test_a_suite_is_a_selection_with_a_name():
    group = Group("datasets")
    for name in ("moons", "funnel"):
        group.add(Card(name, "planar", lambda dim=2: None))
    group.add_suite(Suite("two", ("funnel[dim=16]", "moons"), "Two of them."))
    assert [str(s) for s in group.select("two")] == ["funnel[dim=16]", "moons"]
    assert [str(s) for s in group.select("moons,two")] == ["moons", "funnel[dim=16]"]
    with pytest.raises(GenbenchError, match="gives parameters to a whole group"):
        group.select("two[dim=3]")
    with pytest.raises(GenbenchError, match="no dataset 'tow'; did you mean two"):
        group.select("tow")
    with pytest.raises(GenbenchError, match="'two' stands for a whole group"):
        group.add(Card("two", "planar", lambda: None))
    for taken in ("moons", "planar", "all"):
        with pytest.raises(GenbenchError, match=f"'{taken}' of a suite of datasets is taken"):
            group.add_suite(Suite(taken, ("moons",), ""))


def test_each_part_of_a_suite_exists():
    """By name and parameters: `hard` has two datasets for each of six properties."""
    discover(groups=("datasets",))
    group = REGISTRY["datasets"]
    for suite in group.suites.values():
        for part in suite.parts:
            selection = parse(part)
            create(group[selection.name], bind(group[selection.name], selection.params))
    tests = Counter(group[parse(part).name].tests for part in group.suites["hard"].parts)
    assert tests == dict.fromkeys(("dimension", "tails", "rare modes", "thin support", "dependence", "scale"), 2)


def test_refuses_parameters_for_a_whole_group(group):
    with pytest.raises(GenbenchError, match="whole group"):
        group.select("all[hidden=3]")


def test_finds_a_file_that_the_user_names_once(good):
    discover((good,))
    discover((good,))
    assert REGISTRY["models"]["standard_normal"].family == "tests"
    assert REGISTRY["datasets"]["blob"].kind == "points"


def test_a_plugin_that_fails_to_import_is_reported_and_takes_no_other_down(tmp_path, good):
    broken = tmp_path / "broken_one.py"
    broken.write_text("import a_package_that_does_not_exist\n")
    (tmp_path / "exits.py").write_text("import sys\nsys.exit(3)\n")
    discover((str(tmp_path), good))
    reasons = {Path(f.source).name: f.reason for f in REGISTRY["models"].failures}
    assert "a_package_that_does_not_exist" in reasons["broken_one.py"]
    assert reasons["exits.py"] == "line 2: SystemExit: 3"
    assert "standard_normal" in REGISTRY["models"].cards
    with pytest.raises(GenbenchError, match="failed to import: line 1: ModuleNotFoundError"):
        REGISTRY["models"]["broken_one"]


def test_a_missing_plugin_path_is_an_error():
    with pytest.raises(GenbenchError, match="does not exist"):
        discover(("nowhere.py",))


MODEL = """
from genbench import Model, register_model

@register_model("{name}", family="tests")
class {cls}(Model):
    def fit(self, x): pass
"""


def write(file, *models, more=""):
    file.write_text("".join(MODEL.format(name=name, cls=cls) for name, cls in models) + more)
    return str(file)


def test_a_name_that_is_taken_is_an_error_with_both_places(tmp_path, good):
    discover((good,))
    copy = tmp_path / "copy.py"
    copy.write_text(Path(good).read_text())
    with pytest.raises(GenbenchError, match=rf"dataset name 'blob' of {copy}, line 8, is taken by {good}, line 8"):
        discover((str(copy),))
    (tmp_path / "folder").mkdir()
    shadow = write(tmp_path / "folder" / "shadow.py", ("gmm", "Mine"))
    for path in (shadow, str(tmp_path / "folder")):  # also as one of a folder
        with pytest.raises(
            GenbenchError, match=r"model name 'gmm' of .*shadow.py, line 4, is taken by .*gmm.py, line \d+"
        ):
            discover((path,))
    assert REGISTRY["models"]["gmm"].built_in


@pytest.mark.parametrize("second", ["Narrow", "Wide"])
def test_a_name_that_a_file_registers_twice_is_an_error_with_both_lines(tmp_path, second):
    file = write(tmp_path / "twice.py", ("tests_twice", "Wide"), ("tests_twice", second))
    with pytest.raises(GenbenchError, match=rf"'tests_twice' of {file}, line 10, is taken by {file}, line 4"):
        discover((file,))
    assert "tests_twice" not in REGISTRY["models"].cards


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("import nothing_like_this\n", "line 7: ModuleNotFoundError: No module named 'nothing_like_this'"),
        ("raise SystemExit('no licence')\n", "line 7: SystemExit: no licence"),
        ("raise GeneratorExit\n", "line 7: GeneratorExit"),
        ("x = = 1\n", "line 7: SyntaxError"),
    ],
)
def test_a_file_that_fails_half_way_is_an_error_and_leaves_nothing(tmp_path, fault, words):
    """A syntax error comes before anything runs; else the first model is registered by then."""
    name = f"tests_{tmp_path.name}"  # each parameter has a folder of its own
    file = write(tmp_path / "boom.py", (name, "A"), more=fault)
    part = "failed to import" if "Syntax" in words else rf"was loaded in part \({name}\) and failed"
    with pytest.raises(GenbenchError, match=f"plugin {file} {part}: {words}"):
        discover((file,))
    assert name not in REGISTRY["models"].cards
    write(tmp_path / "boom.py", (name, "A"))
    discover((file,))
    assert REGISTRY["models"][name].plugin == file, "mended, it is imported"


def test_one_of_a_folder_that_fails_half_way_is_an_error_where_it_is_asked_for(tmp_path):
    write(tmp_path / "half.py", ("tests_half", "A"), more="import nothing_like_this\n")
    discover((str(tmp_path),))
    with pytest.raises(GenbenchError, match="'tests_half' failed to import: line 7: ModuleNotFound.*fix .*half.py"):
        REGISTRY["models"].select("tests_half")


def test_a_file_that_was_changed_takes_the_place_of_what_it_was(tmp_path):
    """As in a notebook: its author edits it between two runs."""
    file = write(tmp_path / "edited.py", ("tests_old", "A"), ("tests_kept", "B"))
    discover((file,))
    before = REGISTRY["models"]["tests_kept"].factory
    discover((file,))
    assert REGISTRY["models"]["tests_kept"].factory is before
    write(tmp_path / "edited.py", ("tests_kept", "B"), ("tests_new", "C"), more="# longer\n")
    discover((file,))
    assert REGISTRY["models"]["tests_kept"].factory is not before
    assert {"tests_new", "tests_kept"} <= REGISTRY["models"].cards.keys()
    assert "tests_old" not in REGISTRY["models"].cards


def test_what_is_typed_anew_replaces_what_it_was(monkeypatch):
    """Two cells of a notebook; in a script that runs once, the second is an error."""
    group = Group("models")
    classes = [type("Mine", (), {"__module__": "__main__"}) for _ in range(3)]
    monkeypatch.setattr("sys.ps1", ">>> ", raising=False)
    group.add(Card("mine", "tests", classes[0]))
    group.add(Card("mine", "tests", classes[1]))
    assert group["mine"].factory is classes[1]
    monkeypatch.delattr("sys.ps1")
    group.add(Card("mine", "tests", classes[1]))
    with pytest.raises(GenbenchError, match="is taken by"):
        group.add(Card("mine", "tests", classes[2]))


def test_an_installed_plugin_is_imported_where_it_is_needed(tmp_path, monkeypatch):
    """One that is broken stops no run that does not ask for it, and a worker imports none before it must."""
    write(tmp_path / "tests_installed.py", ("tests_installed_model", "A"))
    write(tmp_path / "tests_broken.py", ("tests_in_part", "A"), more="import nothing_like_this\n")
    info = tmp_path / "tests_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tests_package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[genbench.models]\na = tests_installed:A\nb = tests_broken\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("genbench.core.registry._postponed", {"models"})
    discover(installed=False)
    assert "tests_installed_model" not in REGISTRY["models"].cards
    assert REGISTRY["models"]["tests_installed_model"].plugin == "tests_installed"
    assert REGISTRY["models"]["gmm"].built_in
    with pytest.raises(GenbenchError, match="'tests_in_part' failed to import: line 7: ModuleNotFoundError"):
        REGISTRY["models"]["tests_in_part"]
    assert "tests_broken" in [failure.source for failure in failures()]
    REGISTRY["models"].forget("tests_broken")


def test_wrong_registrations_say_what_is_allowed():
    with pytest.raises(ContractError, match="exact, estimate, bound, none"):
        register_model("x", family="tests", likelihood="precise")(Model)
    with pytest.raises(ContractError, match="kinds"):
        register_model("x", family="tests", kinds=("pictures",))(Model)


def test_the_engine_names_no_model_and_no_dataset():
    discover()
    names = {n for group in ("models", "datasets") for n in REGISTRY[group].cards} - {
        "csv",
        "oracle",
    }  # also a file format, also a role
    for file in ENGINE.rglob("*.py"):
        code = "\n".join(_decisions(file))
        for name in names:
            assert f'"{name}"' not in code, f"{file.name} names {name}"


def _decisions(file):
    """The comparisons, tables and look-ups of a file, which is where a name would be special."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Compare | ast.Dict | ast.Subscript | ast.Match):
            yield ast.unparse(node).replace("'", '"')


def test_all_datasets_need_nothing_from_elsewhere():
    discover(groups=("datasets",))
    chosen = {spec.name for spec in REGISTRY["datasets"].select("all")}
    assert {"moons", "wine", "digits", "airline"} <= chosen
    assert not {"csv", "mnist", "fashion_mnist", "cifar10", "sunspots"} & chosen


def test_a_name_of_genbench_is_taken_before_anything_is_discovered():
    """A notebook that registers a model first does not take the name of a built-in one."""
    code = """
import genbench
try:
    @genbench.register_model("gmm", family="mine")
    class Mine(genbench.Model):
        pass
except genbench.core.errors.GenbenchError as error:
    print(error)
print(genbench.load_model("gmm").card.built_in)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'gmm' of interactive, line 4, is taken by " in done.stdout
    assert done.stdout.endswith("True\n")


def test_a_named_file_comes_after_all_built_in_plugins(tmp_path):
    """Whatever group is asked for."""
    shadow = write(tmp_path / "shadow.py", ("gmm", "Mine"))
    code = f"""
from genbench.core.registry import discover
try:
    discover(({shadow!r},), groups=("metrics",))
except Exception as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'gmm' of " in done.stdout


def test_a_plugin_that_was_not_named_is_found_by_its_text_and_not_imported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    wrong = "raise SystemExit('imported')\n"
    (tmp_path / "my_model.py").write_text(f'{wrong}@register_model("my_flow", family="f")\nclass M: ...\n')
    (tmp_path / "mine" / "rings.py").write_text(f"{wrong}@register_dataset(\n    name='my_rings')\nclass D: ...\n")
    models, datasets = REGISTRY["models"], REGISTRY["datasets"]
    for group, name, words in (
        (models, "my_flow", "no model 'my_flow'; my_model.py registers it: add --plugin my_model.py"),
        (models, "my_model", "no model 'my_model'; my_model.py registers 'my_flow': write that name, and add --plugin "
                             "my_model.py"),
        (datasets, "my_rings", "no dataset 'my_rings'; mine/rings.py registers it: add --plugin mine/rings.py"),
    ):  # fmt: skip
        with pytest.raises(GenbenchError) as error:
            group.select(name)
        assert str(error.value) == words
    with pytest.raises(GenbenchError, match=r"no model 'zzzzz'; .*; one of your own needs --plugin FILE$"):
        models.select("zzzzz")
    assert plugin_hint("../my_flow", "model") == ""


def test_a_name_of_a_record_looks_for_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "theirs.py").write_text('register_model("theirs")')
    with pytest.raises(GenbenchError) as error:
        REGISTRY["models"]["theirs"]
    assert "--plugin" not in str(error.value)

import ast
import importlib
from pathlib import Path

import pytest

from genbench.contracts.model import Model, ModelCard, register_model
from genbench.core.errors import ContractError, GenbenchError
from genbench.core.registry import REGISTRY, Card, Group, discover

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
        with pytest.raises(GenbenchError, match=f"'{taken}' is taken for the whole group"):
            group.add(Card(taken, "vae", lambda: None))


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
    assert reasons["exits.py"].startswith("SystemExit")
    assert "standard_normal" in REGISTRY["models"].cards
    with pytest.raises(GenbenchError, match="failed to import: ModuleNotFoundError"):
        REGISTRY["models"]["broken_one"]


def test_a_missing_plugin_path_is_an_error():
    with pytest.raises(GenbenchError, match="does not exist"):
        discover(("nowhere.py",))


def test_a_taken_name_is_refused(tmp_path, good):
    discover((good,))
    copy = tmp_path / "copy.py"
    copy.write_text(Path(good).read_text())
    discover((str(copy),))
    assert any("is taken by" in f.reason for f in REGISTRY["models"].failures if f.source == str(copy))


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

"""Experiment files: what they ask for, what is wrong in them and on which line, and that they run no code."""

import re
from pathlib import Path

import pytest

from genbench.core.errors import GenbenchError
from genbench.core.registry import discover
from genbench.runs.experiment import read_experiment
from genbench.runs.experiment_text import as_toml
from genbench.runs.grids import expanded
from genbench.runs.launch import RunOptions
from genbench.runs.plan import make_plan

WHOLE = """
name = "widths"
seeds = [4, 7]
budgets = ["smoke", 30]
tasks = ["generate", "curve"]
metrics = ["sliced_w2", "kl"]
samples = 300
margin = "10%"

[models.vae]
latent_dim = [2, 4]
hidden = 16
[models.gmm]

[data.moons]
noise = [0.1, 0.2]

[executor]
jobs = 2
dask = "local"
"""


def written(tmp_path, text):
    file = tmp_path / "e.toml"
    file.write_text(text)
    return file


def test_a_file_asks_for_a_run_of_each_budget_and_task(tmp_path):
    asked = read_experiment(written(tmp_path, WHOLE))
    assert [(one["name"], one["budget"], one["task"]) for one in asked] == [
        ("widths-smoke-generate", "smoke", "generate"), ("widths-smoke-curve", "smoke", "curve"),
        ("widths-30-generate", "30", "generate"), ("widths-30-curve", "30", "curve"),
    ]  # fmt: skip
    first = RunOptions(**asked[0])
    assert (first.seeds, first.metrics, first.samples, first.margin) == ([4, 7], "sliced_w2,kl", 300, "10%")
    assert (first.jobs, first.dask) == (2, "local")
    assert first.models == "vae[hidden=16,latent_dim=[2,4]],gmm"
    assert first.datasets == "moons[noise=[0.1,0.2]]"


def test_a_grid_is_a_trial_for_each_combination():
    discover()
    plan = make_plan("vae[latent_dim=[2,4],hidden=[16,32]],gaussian", "moons[noise=[0.1,0.2]]", 1, metrics="kl")
    labels = {(spec.model, spec.dataset) for spec in plan.trials if spec.model.startswith("vae")}
    assert len(labels) == 8
    assert ("vae[hidden=32,latent_dim=4]", "moons[noise=0.2]") in labels
    single = make_plan("vae[hidden=32,latent_dim=4]", "moons[noise=0.2]", 1, metrics="kl").trials
    assert {spec.key for spec in single} <= {spec.key for spec in plan.trials}
    with pytest.raises(GenbenchError, match=r"gmm\[components=x\]: components must be a whole number"):
        make_plan("gmm[components=[1,x]]", "moons", 1)


def test_a_list_that_a_parameter_takes_is_no_grid(tmp_path):
    from genbench.contracts.dataset import DATASETS
    from genbench.core.selection import parse

    discover(groups=("datasets",))
    csv = DATASETS["csv"]
    (one,) = expanded(csv, parse("csv[path=x.csv,drop=[a,b]]"))
    assert one.params["drop"] == ["a", "b"]
    two = expanded(csv, parse("csv[path=x.csv,label=[a,1e5]]"))
    assert [point.params.texts["label"] for point in two] == ["a", "1e5"]
    with pytest.raises(GenbenchError, match="has 1,600 points; give 1,000 at most"):
        expanded(csv, parse(f"csv[path=[{','.join('abcdefgh' * 5)}],label=[{','.join('abcdefgh' * 5)}]]"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("seeds = [4, 7]", "seeds = [4, -7]", "line 3, seeds: seeds '4,-7,' is neither"),
        ("seeds =", "sedes =", "line 3, sedes: there is no such field; did you mean seeds"),
        ('"smoke", 30', '"smok", 30', "line 4, budgets: budget 'smok' is no name"),
        ('"curve"]', '"curv"]', "line 5, tasks: no task 'curv'; did you mean curve"),
        ('"kl"]', '"kll"]', "line 6, metrics: no metric 'kll'; did you mean kl"),
        ("samples = 300", 'samples = "many"', "line 7, samples: it must be a whole number"),
        ("latent_dim = [2, 4]", "latent_dim = [2, 0.5]", r"line 11, models.vae.latent_dim: vae\[latent_dim=0.5\]"),
        ("latent_dim", "latent", "line 11, models.vae.latent: vae has no parameter 'latent'"),
        ("[models.gmm]", "[models.gnn]", "line 13, models.gnn: no model 'gnn'"),
        ("[data.moons]", "[data.mons]", "line 15, data.mons: no dataset 'mons'"),
        ("jobs = 2", "jobs = -2", "line 19, executor.jobs: it must be greater than or equal to 0"),
        ('"local"', '"tcp://host:8786"', "line 20, executor.dask: a file may ask for 'local' alone"),
        ("samples = 300", "jobs = 3", "line 7, jobs: there is no such field; it belongs under .executor."),
        ("samples = 300", "samples = three", "line 7: Invalid value"),
        ("samples = 300", "max_seeds = 4", "line 7, max_seeds: max_seeds=4 needs seeds=auto"),
        ("samples = 300", "samples = 1", "line 7, samples: samples=1 is too few"),
        ("samples = 300", "sort = 'kll'", "line 7, sort: no metric 'kll'"),
        ("jobs = 2", "timeout = -1.0", "line 19, executor.timeout: timeout=-1.0 is out of range"),
        ('["generate", "curve"]', "[]", "line 5, tasks: it is empty"),
        ("[4, 7]", "true", "line 3, seeds: it must be a whole number, or text, or a list"),
        ('"widths"', '"../widths"', "line 2, name: a name has no folders in it"),
        ('"widths"', "2020-01-01", "line 2, name: it must be text"),
        ("latent_dim = [2, 4]", "latent_dim = [2, 4", "line 12: "),
        ("samples = 300", 'plugins = ["mine.py"]', "line 7, plugins: an experiment file cannot make genbench run code"),
    ],
)
def test_an_error_has_the_line_and_the_field(tmp_path, old, new, words):
    assert WHOLE.count(old) >= 1
    with pytest.raises(GenbenchError, match=rf"e\.toml, {words}"):
        read_experiment(written(tmp_path, WHOLE.replace(old, new, 1)))


def test_code_that_a_file_names_runs_only_if_it_is_typed_or_trusted(tmp_path):
    plugin = tmp_path / "writes.py"
    plugin.write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    file = written(tmp_path, 'plugins = ["writes.py"]\nmodels = "gaussian"\n')
    with pytest.raises(GenbenchError, match="line 1, plugins.*genbench trust"):
        read_experiment(file)
    assert not (tmp_path / "ran").exists()
    (asked,) = read_experiment(file, [str(plugin)])
    assert (tmp_path / "ran").exists()
    assert asked["plugins"] == [str(plugin)]


def test_paths_are_from_the_folder_of_the_file(tmp_path, monkeypatch):
    (tmp_path / "mine.csv").write_text("\n".join(f"{i},{i * i % 7}" for i in range(30)))
    file = written(tmp_path, 'models = ["gaussian"]\ndata = ["mine.csv", "moons"]\n')
    monkeypatch.chdir(tmp_path.parent)
    (asked,) = read_experiment(file)
    assert asked["datasets"] == f"{tmp_path / 'mine.csv'},moons"


def test_a_request_is_written_and_read_as_it_was(tmp_path):
    options = RunOptions(
        models="vae[latent_dim=[2,4]],gmm", datasets="moons[noise=0.1]", seeds="4,", budget="30", metrics="kl",
        samples=300, jobs=2, device="cpu", margin="10%", name="n", timeout=60.0, dask="tcp://host:1",
    )  # fmt: skip
    text = as_toml(options, tmp_path)
    (asked,) = read_experiment(written(tmp_path, text))
    again = RunOptions(**asked)
    assert "tcp" not in text
    for name in ("models", "datasets", "seeds", "budget", "metrics", "samples", "jobs", "margin", "name", "timeout"):
        assert getattr(again, name) == getattr(options, name), name


def test_the_file_of_the_guide_asks_for_what_it_says(tmp_path):
    guide = (Path(__file__).parents[2] / "docs" / "experiments.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    asked = read_experiment(written(tmp_path, text))
    assert [one["name"] for one in asked] == ["widths-quick", "widths-standard"]
    assert asked[0]["models"] == "gmm,cfm[hidden=[64,128]]"

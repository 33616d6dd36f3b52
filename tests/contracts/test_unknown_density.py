"""A dataset without a density: what needs it is absent, the rest is there, and nobody is flagged."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import genbench
from genbench.cli.data import data
from genbench.core.errors import ContractError, GenbenchError
from genbench.core.registry import discover
from genbench.evaluation.selftest import selftest
from genbench.figures import draw
from genbench.runs.plan import make_plan

PLUGIN = str(Path(__file__).parents[1] / "plugins" / "simulators.py")
NEED_IT = ("kl", "true_nll", "kl_reverse")
SMALL = {"seeds": 1, "budget": "smoke", "jobs": 0, "progress": False, "plugins": [PLUGIN], "say": lambda _: None}


def load(name):
    return genbench.load_dataset(name, plugins=[PLUGIN])


@pytest.mark.parametrize(("name", "known"), [("walk_ends", False), ("refuses", False), ("walks", False)])
def test_it_is_known_whether_there_is_a_density(name, known):
    assert load(name).has_density is known
    with pytest.raises(NotImplementedError):
        load(name).log_prob(load(name).sample(2))


def test_what_has_one_and_what_is_recorded():
    assert genbench.load_dataset("moons").has_density
    assert not genbench.load_dataset("wine").has_density


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    metrics = "sliced_w2,w2,energy,precision,nll,kl,true_nll,kl_reverse"
    results = tmp_path_factory.mktemp("simulators")
    return genbench.run("gaussian", "walk_ends,refuses", metrics=metrics, samples=300, results=results, **SMALL)


def test_scores_that_need_it_are_absent_and_nobody_is_flagged(run):
    assert {trial.status for trial in run.trials} == {"ok"}
    assert len(run.trials) == 4
    for trial in run.trials:
        assert trial.flags == []
        scores = {name for name, value in trial.metrics.items() if value is not None}
        assert {"sliced_w2", "w2", "energy", "precision"} <= scores
        assert not scores & set(NEED_IT)
        assert ("nll" in scores) == (trial.model == "gaussian")
        assert trial.likelihood == ("exact" if trial.model == "gaussian" else "none")


def test_densities_are_drawn_beside_points_of_the_truth(run):
    panels = draw(run, "densities", "walk_ends")["densities-walk_ends"].axes
    assert panels[0].get_title() == "walk_ends\n4,000 test points\n(density not known)"
    assert len(panels[0].collections[0].get_offsets()) > 1000
    assert len(panels[1].images) == 1


@pytest.mark.parametrize(
    ("task", "model", "there"),
    [
        ("impute", "gaussian", "energy_score"),
        ("classify", "gaussian", "accuracy"),
        ("interpolate", "vae", "round_trip"),
    ],
)
def test_tasks_work_without_the_oracle_of_the_density(task, model, there, tmp_path):
    budget = SMALL | {"budget": "2"}
    run = genbench.run(model, "walk_ends", task=task, results=tmp_path, train=200, **budget)
    (trial,) = run.trials
    assert (trial.model, trial.status, trial.flags) == (model, "ok", [])
    assert trial.metrics[there] is not None
    assert trial.metrics.get("conditional_w1") is trial.metrics.get("midpoints_inside") is None


def test_a_forecast_says_what_it_needs():
    discover((PLUGIN,))
    with pytest.raises(GenbenchError, match="walks has windows but no long series .* write its method `path`"):
        make_plan("ar_linear", "walks", 1, task="forecast")


def test_the_self_test_leaves_out_what_needs_it():
    cells = selftest(load("walk_ends"), "sliced_w2,kl,true_nll", repeats=1, samples=60, null_repeats=19).cells
    assert set(cells["kl"].values()) == set(cells["true_nll"].values()) == {None}
    assert all(cell.mean > 0 for cell in cells["sliced_w2"].values())


def test_it_is_told_of_a_dataset_and_a_notebook_shows_it():
    told = CliRunner().invoke(data, ["info", "refuses", "--plugin", PLUGIN]).stdout
    assert "density     unknown" in told
    assert "4.2 nats" in load("refuses")._repr_html_()
    assert "not known" in load("walk_ends")._repr_html_()


def test_a_draw_that_is_no_pair_is_refused_by_name():
    with pytest.raises(ContractError, match=r"draw of pairless returned ndarray; .* points \(5, 2\) and labels \(5,\)"):
        load("pairless").sample(5)


def test_asking_whether_there_is_one_moves_no_generator():
    np.random.seed(0)
    first = np.random.random()
    np.random.seed(0)
    assert not load("refuses").has_density
    assert np.random.random() == first

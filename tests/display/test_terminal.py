"""Several tasks in one run: a table each, and what needs samples keeps to the trials that have them."""

import pytest

import genbench
from genbench.analysis.ranking import rankings
from genbench.core.errors import GenbenchError
from genbench.core.registry import REGISTRY, discover
from genbench.downstream.capabilities import capabilities
from genbench.figures import save
from genbench.runs.plan import make_plan
from genbench.runs.rescoring import rescore

discover()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Gaussians that were sampled and that classified, in one run."""
    asked = {"datasets": "moons,circles", "seeds": 1, "budget": "smoke", "name": "both", "train": 1000, "jobs": 0}
    asked |= {"results": tmp_path_factory.mktemp("results"), "progress": False, "say": lambda line: None}
    genbench.run("gaussian", **asked, samples=500, metrics="sliced_w2")
    return genbench.run("gaussian,logistic_regression", **asked, samples=500, task="classify")


def test_each_task_has_a_table_of_its_own(run):
    board = run.leaderboard()
    assert board.sort == "sliced_w2"
    places = {row.place: row for row in board.rows if row.model == "gaussian"}
    assert set(places) == {"moons", "circles", "moons, classify", "circles, classify"}
    assert [set(places[name].metrics) for name in ("moons", "moons, classify")] == [
        {"sliced_w2"},
        {"accuracy", "log_loss", "calibration_error"},
    ]
    assert all(row.seeds == 1 for row in board.rows)
    best_first = [row.model for row in board.rows if row.place == "moons, classify"]
    assert best_first[0] == "oracle"
    assert {row["task"] for row in board.records()} == {"generate", "classify"}
    assert not rankings(board), "a single model was sampled on the two datasets"


def test_figures_of_samples_leave_other_tasks_out(run):
    names = {file.name for file in save(run, ["samples", "decisions"])}
    assert names == {
        "samples-moons.png", "samples-circles.png", "decisions-moons.png", "decisions-circles.png"
    }  # fmt: skip


def test_trials_without_samples_are_kept_as_they_are_by_rescore(run):
    report = rescore(run, metrics="sliced_w2,w2", jobs=0, progress=False)
    kept = [line for line in report.kept if "the task classify keeps no samples" in line]
    assert len(kept) == 6
    assert not [line for line in report.kept if line not in kept]


def test_a_run_without_samples_has_nothing_to_draw_from(run, tmp_path):
    from genbench.runs.reload import find

    alone = genbench.run(
        "gaussian", "moons", 1, "smoke", task="classify", train=500, results=tmp_path, jobs=0, progress=False,
        say=lambda line: None,
    )  # fmt: skip
    with pytest.raises(GenbenchError, match="its task is classify"):
        find(alone)


def test_capabilities_are_what_the_models_have():
    """A model that is written here gets what its methods say, and nothing of it is registered by hand."""
    from genbench.contracts.model import Model, ModelCard

    class Poor(Model):
        """Samples, and that is all."""

        def sample(self, n):
            return None

    class Rich(Poor):
        """Samples, has a density, fills gaps, encodes and decodes."""

        def __init__(self, conditional: bool = False):
            self.conditional = conditional

        def log_prob(self, x):
            return None

        def conditional_sample(self, x, known):
            return x

        def to_latent(self, x):
            return x

        def from_latent(self, z):
            return z

    poor = capabilities(ModelCard("poor", "tests", Poor))
    rich = capabilities(ModelCard("rich", "tests", Rich, likelihood="exact"))
    assert (poor["samples"], poor["density"], poor["imputes"], poor["encodes"]) == ("yes", "", "nearest", "")
    assert rich["imputes"] == "exact"
    assert rich["encodes"] == "both ways"
    assert rich["conditions"] == "on labels"
    assert rich["classifies"] == "by Bayes"
    cards = REGISTRY["models"].cards
    assert capabilities(cards["logistic_regression"])["samples"] == ""
    assert capabilities(cards["logistic_regression"])["classifies"] == "directly"
    assert capabilities(cards["ot_cfm"])["imputes"] == "importance"


def test_a_family_leaves_out_what_does_not_suit_and_a_name_is_refused():
    discover()
    plan = make_plan("autoregressive,gaussian", "moons", 1)
    assert {"ar", "gaussian"} <= {trial.model for trial in plan.trials}
    assert "ar_linear" not in {trial.model for trial in plan.trials}
    assert any("left out on moons: ar_linear" in note for note in plan.notes)
    for models in ("ar_linear,gaussian", "ar_linear"):
        with pytest.raises(GenbenchError, match="ar_linear cannot handle moons: it takes series, not points"):
            make_plan(models, "moons", 1)

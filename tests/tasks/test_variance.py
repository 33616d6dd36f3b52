"""The task `variance`, with models that vary for one known reason."""

from pathlib import Path

import numpy as np
import pytest

import genbench
from genbench.display.export import render

VARYING = str(Path(__file__).parents[1] / "plugins" / "varying.py")


@pytest.fixture(scope="module")
def run(tmp_path_factory, good):
    return genbench.run(
        "by_training,by_draw,by_data", "blob", seeds=4, budget="smoke", task="variance", metrics="place", jobs=0,
        plugins=[good, VARYING], samples=20, train=50, results=tmp_path_factory.mktemp("r"), progress=False,
        say=lambda _: None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("model", "source"), [("by_training", "initialisation"), ("by_draw", "sampling"), ("by_data", "data")]
)
def test_the_source_of_the_spread_is_found(run, model, source):
    """Each model has one source alone. The ANOVA estimates of the sources above it scatter around 0 and are cut there."""
    board = run.leaderboard()
    row = next(row for row in board.rows if row.model == model)
    shares = board.components(row)["place"].shares
    below = ["data", "initialisation", "sampling"][["data", "initialisation", "sampling"].index(source) + 1 :]
    assert shares[source] > 0.4
    assert all(shares[other] == pytest.approx(0, abs=1e-12) for other in below)


def test_three_trainings_and_nine_draws_a_seed_whose_mean_is_the_score(run):
    for trial in run.trials:
        scores = np.array(trial.nested["place"])
        assert scores.shape == (3, 3)
        assert trial.metrics["place"] == pytest.approx(scores.mean())


def test_it_is_told_below_the_table(run):
    text = render(run.leaderboard(), "md")
    assert "by_draw, standard deviation of one score: place" in text
    assert run.path.name == "blob-smoke-variance"


def test_it_cannot_be_rescored(run):
    from genbench.runs.rescoring import rescore

    report = rescore(run, jobs=0, progress=False)
    assert len(report.kept) == len(run.trials)
    assert "several training runs" in report.kept[0]

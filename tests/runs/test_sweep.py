"""The sweep over solver steps: from stored weights, once, with known scores."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import genbench
from genbench.cli.sweep import sweep as command
from genbench.core.errors import GenbenchError
from genbench.figures.nfe import draw
from genbench.runs.rescoring import rescore
from genbench.runs.sweep import read_sweeps, summary, sweep

SAMPLES = 2000


@pytest.fixture(scope="module")
def template(tmp_path_factory, good):
    plugin = str(Path(__file__).parents[1] / "plugins" / "swept.py")
    return genbench.run(
        "affine,gaussian", "blob", seeds=2, budget="200", results=tmp_path_factory.mktemp("runs"), name="t", jobs=0,
        plugins=[good, plugin], samples=SAMPLES, metrics="sliced_w2", progress=False, say=lambda _: None,
    )  # fmt: skip


@pytest.fixture
def run(template, tmp_path):
    shutil.copytree(template.path, tmp_path / "r")
    return genbench.load_run(tmp_path / "r")


def swept(run, **options):
    return sweep(run, **{"samples": SAMPLES, "metrics": "sliced_w2", "jobs": 0, "progress": False} | options)


def test_scores_follow_the_steps(run):
    """`affine` widens its samples by 1 + 1/steps. Between round Gaussians of widths 1 and s, sliced W2 is s − 1."""
    assert swept(run, steps=[1, 2, 4]) == []
    for point in summary(read_sweeps(run)):
        assert (point.model, point.nfe, point.seeds) == ("affine", point.steps, 2)
        assert point.scores["sliced_w2"][0] == pytest.approx(1 / point.steps, abs=0.1)
        assert point.floors["sliced_w2"] < 0.1
        assert point.speed > 0
    assert [point.steps for point in summary(read_sweeps(run))] == [1, 2, 4]


def test_the_steps_of_the_training_give_the_score_of_the_run(run):
    swept(run, steps=[4])
    stored = {(t.model, t.seed): t.metrics["sliced_w2"] for t in run.trials}
    for each in read_sweeps(run):
        assert each.rows[0].metrics["sliced_w2"] == pytest.approx(stored[each.model, each.seed], rel=1e-12)


def test_what_is_there_is_not_computed_again(run):
    swept(run, steps=[1, 2])
    files = sorted((run.path / "sweeps").iterdir())
    assert len(files) == 4, "two seeds of the model and of the oracle"
    times = [file.stat().st_mtime_ns for file in files]
    swept(run, steps=[2, 1])
    assert [file.stat().st_mtime_ns for file in files] == times
    before = {each.seed: each.rows for each in read_sweeps(run) if each.role != "oracle"}
    swept(run, steps=[4])
    for each in read_sweeps(run):
        if each.role != "oracle":
            assert [row.steps for row in each.rows] == [1, 2, 4]
            assert each.rows[:2] == before[each.seed]
    swept(run, steps=[1], samples=1000)
    assert {each.samples for each in read_sweeps(run)} == {1000}


def test_sweeps_outlive_a_rescoring(run):
    swept(run, steps=[1, 2])
    before = read_sweeps(run)
    rescore(run, metrics="sliced_w2,spread", jobs=0, progress=False)
    after = genbench.load_run(run.path)
    assert after.record.trials != run.record.trials
    assert read_sweeps(after) == before


def test_a_value_that_is_refused_is_skipped_with_its_reason(run):
    swept(run, steps=[1, 3])
    points = {point.steps: point for point in summary(read_sweeps(run))}
    assert "steps=3 is refused" in points[3].reason
    assert points[3].scores == {}
    assert points[1].reason == ""


def test_a_trial_without_weights_is_named(run):
    victim = next(t for t in run.trials if t.model == "affine" and t.seed == 1)
    (run.store.trials / f"{victim.key}.safetensors").unlink()
    assert swept(run, steps=[1]) == ["affine on blob, seed 1: its weights are not stored"]
    assert len(read_sweeps(run)) == 3


def test_wrong_requests(run):
    for options, words in (
        ({"models": "afine"}, "did you mean affine"),
        ({"models": "gaussian"}, "no model 'gaussian' with a parameter 'steps'"),
        ({"steps": [0]}, "1 or more"),
        ({"metrics": "w3"}, "did you mean w2"),
    ):
        with pytest.raises(GenbenchError, match=words):
            swept(run, **options)
    assert not (run.path / "sweeps").exists()


def test_the_command_prints_the_table_and_draws_the_figure(run):
    app = typer.Typer()
    app.command()(command)
    options = ["--steps", "1,3", "--samples", "500", "--metrics", "sliced_w2", "--jobs", "0", "-q"]
    done = CliRunner().invoke(app, [str(run.path), *options])
    assert done.exit_code == 0, done.output
    assert "affine on blob with 3 steps was skipped" in done.output
    assert "× oracle" in done.output
    assert (run.path / "figures" / "nfe.png").exists()


def test_the_figure_draws_the_means_and_their_bands(run):
    assert draw(run) == {}
    swept(run, steps=[1, 2, 4])
    figure = draw(run)["nfe"]
    (panel,), data = figure.axes, figure.data
    line = next(line for line in panel.lines if len(line.get_xdata()) == 3)
    points = summary(read_sweeps(run))
    np.testing.assert_allclose(line.get_xdata(), [1, 2, 4])
    np.testing.assert_allclose(line.get_ydata(), [point.scores["sliced_w2"][0] for point in points])
    assert len(panel.collections) == 1
    band = panel.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(max(point.scores["sliced_w2"][2] for point in points))
    known = {(one.model, one.seed, row.steps): row.metrics["sliced_w2"] for one in read_sweeps(run) for row in one.rows}
    assert {
        (m, s, n): v for m, s, n, v in zip(data["model"], data["seed"], data["steps"], data["value"], strict=True)
    } == known
    assert {text.get_text() for text in panel.texts} == {"affine", "oracle"}

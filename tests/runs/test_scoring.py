"""Samples from outside: scored as a model's are, told apart from them, and scored again from what is stored."""

import json
import pickle
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import multivariate_normal, spearmanr

import genbench
from genbench.contracts.dataset import Sizes
from genbench.core.errors import GenbenchError
from genbench.core.seeding import stream
from genbench.runs.bundle import pack
from genbench.runs.density_points import unrelated_density
from genbench.runs.outside import FLAG
from genbench.runs.rescoring import rescore
from genbench.runs.session import Workers
from genbench.runs.unbundle import repeat
from genbench.runs.verify import verify
from genbench.storage.run_record import edited_run
from genbench.storage.store import Store
from genbench.tasks.execution import ExecutionOptions

METRICS = "sliced_w2,kl"
QUIET = {"progress": False, "say": lambda _: None, "jobs": 0}


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """A run of one model, two seeds."""
    return genbench.run(
        "gaussian", "moons", 2, metrics=METRICS, samples=500, train=300, name="r",
        results=tmp_path_factory.mktemp("ours"), **QUIET,
    )  # fmt: skip


@pytest.fixture(scope="module")
def theirs(ours):
    """The files of samples and log-densities of our model, as somebody else would have them."""
    keys = {trial.seed: trial.key for trial in ours.trials if trial.model == "gaussian"}
    return [ours.store.trials / f"{keys[seed]}.npz" for seed in sorted(keys)]


@pytest.fixture(scope="module")
def beside(ours, theirs, tmp_path_factory):
    """A copy of our run with their row beside ours."""
    copy = tmp_path_factory.mktemp("beside") / "r"
    shutil.copytree(ours.path, copy)
    return genbench.score(theirs, "moons", name="theirs", family="normal", run=copy, **QUIET)


@pytest.fixture
def alone(beside, tmp_path):
    """A copy of it whose table has their row alone."""
    shutil.copytree(beside.path, tmp_path / "r")
    with edited_run(Store(tmp_path / "r"), print) as record:
        record.trials = [trial.key for trial in of(beside, "theirs").values()]
    return genbench.load_run(tmp_path / "r")


def of(run, model):
    return {trial.seed: trial for trial in run.trials if trial.model == model}


def test_our_own_samples_from_outside_get_our_own_scores_bit_by_bit(ours, beside):
    mine, given = of(ours, "gaussian"), of(beside, "theirs")
    assert {seed: trial.metrics for seed, trial in given.items()} == {s: t.metrics for s, t in mine.items()}
    assert all(trial.metrics["kl"] is not None for trial in given.values())
    rows = {row.model: row for row in beside.leaderboard().rows}
    assert rows["theirs"].metrics["sliced_w2"].ratio == rows["gaussian"].metrics["sliced_w2"].ratio
    assert rows["theirs"].metrics["sliced_w2"].low is not None
    assert len(of(beside, "oracle")) == 2
    assert {t.key for t in of(beside, "oracle").values()} == {t.key for t in of(ours, "oracle").values()}


def test_the_record_says_that_nothing_is_known_of_how_they_were_made(beside, theirs):
    for seed, trial in of(beside, "theirs").items():
        assert (trial.cost.train_seconds, trial.cost.compute, trial.cost.steps) == (None, None, None)
        assert not {"model", "task"} & trial.spec.sources.keys()
        assert trial.provenance.time == ""
        assert trial.provenance.scored.time
        assert (trial.outside.file, trial.outside.given) == (theirs[seed].name, 500)
        assert trial.flags[0].text == FLAG
        assert (trial.family, trial.role, trial.likelihood) == ("normal", "model", "exact")
    assert "samples from outside scored by" in beside.environments


def test_a_run_of_its_own_has_the_oracle_and_scores_as_many_samples_as_are_given(tmp_path):
    x = genbench.load_dataset("moons").sample(400, seed=7)
    run = genbench.score(x, "moons", metrics="sliced_w2,kl", results=tmp_path, **QUIET)
    assert {trial.model for trial in run.trials} == {"oracle", "outside"}
    assert {trial.spec.protocol.samples for trial in run.trials} == {400}
    assert run.path.name == "moons-outside"
    row = next(row for row in run.leaderboard().rows if row.model == "outside")
    assert row.metrics["kl"] is None
    assert 0.3 < row.metrics["sliced_w2"].ratio < 3, "draws from the truth, of which 400 are as good as the oracle's"
    again = []
    genbench.score(x, "moons", metrics="sliced_w2,kl", results=tmp_path, **QUIET | {"say": again.append})
    assert {t.key for t in genbench.load_run(run.path).trials} == {t.key for t in run.trials}


@pytest.mark.slow
def test_a_function_is_asked_for_densities_and_held_against_the_samples(tmp_path):
    moons = genbench.load_dataset("moons")
    x = moons.sample(2500, seed=1)
    right = genbench.score(
        x, "moons", log_prob=moons.log_prob, name="right", metrics="kl,self_consistency", results=tmp_path, **QUIET
    )
    assert of(right, "right").keys() == {0, 1}, "as many seeds as there are a thousand samples for"
    for trial in of(right, "right").values():
        assert trial.metrics["kl"] == 0
        assert trial.metrics["self_consistency"] is not None
        assert trial.spec.protocol.samples == 1250
        assert any("none of training runs" in flag.text for flag in trial.flags)
        assert trial.outside.part.endswith("of 2")


def test_the_points_that_are_exported_are_those_of_the_trial(tmp_path, monkeypatch, ours, theirs):
    from typer.testing import CliRunner

    from genbench.cli.main import app

    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["data", "export", "moons", "--seed", "1", "--train", "300"])
    assert done.exit_code == 0, done.output
    points = np.load(tmp_path / "moons-seed-1.npz")
    assert points["train"].shape == (300, 2)
    mean, covariance = points["train"].mean(axis=0), np.cov(points["train"].T)
    density = multivariate_normal(mean, covariance).logpdf(points["test"])
    mine = of(ours, "gaussian")[1].metrics["kl"] + genbench.load_dataset("moons").entropy
    assert -density.mean() == pytest.approx(mine, abs=0.01), "a Gaussian fitted to the exported points is our model"
    np.save(tmp_path / "density.npy", density)
    np.savez(tmp_path / "s.npz", samples=np.load(theirs[1])["samples"])
    run = genbench.score(
        "s.npz", "moons", log_prob="density.npy", seeds="1,", train=300, metrics="nll", results=tmp_path, **QUIET
    )
    assert of(run, "s")[1].metrics["nll"] == -density.mean()


def test_they_are_verified_by_scoring_them_again_and_others_are_found(alone):
    found = verify(alone, None, 0, jobs=0, say=lambda _: None)
    assert [one.agreement for one in found.repeated] == ["bit", "bit"]
    store, key = Store(alone.path), alone.trials[0].key
    record, arrays = store.read(key), store.arrays(key)
    store.write(record, arrays | {"samples": arrays["samples"] + 0.1})  # with digests that fit
    one = verify(genbench.load_run(alone.path), None, 0, jobs=0, say=lambda _: None).repeated[0]
    assert one.agreement == "not repeated"
    assert "not those that its key names" in one.words


def test_other_metrics_are_computed_from_the_stored_samples(alone):
    report = rescore(alone, "sliced_w2,ks", jobs=0, progress=False)
    assert not report.kept
    after = genbench.load_run(alone.path)
    for seed, trial in of(after, "theirs").items():
        assert trial.metrics["ks"] is not None
        assert trial.metrics["sliced_w2"] == of(alone, "theirs")[seed].metrics["sliced_w2"]
        assert trial.outside.file
    more = rescore(after, samples=600, jobs=0, progress=False)
    assert all("500 samples were given from outside, and 600 are asked for" in line for line in more.kept)
    assert len(more.kept) == 2


def test_a_bundle_has_them_and_repeats_their_scores(alone, tmp_path):
    packed = pack(alone, tmp_path / "b.tar.gz")
    assert packed.sizes["samples"] > 0
    workers = Workers(0, 600, False, False, ExecutionOptions())
    found = repeat(packed.path, tmp_path / "there", False, (), workers, lambda _: None)
    assert dict(found.agreements) == {"bit": 2}
    assert {t.model for t in genbench.load_run(found.repeated).trials} == {"theirs"}


@pytest.mark.parametrize(
    ("samples", "options", "words"),
    [
        (np.zeros((500, 3)), {}, r"shape \[500, 3\], and the data need \[n, 2\]"),
        (np.full((500, 2), np.nan), {}, "500 of 500 rows hold NaN or infinite values"),
        (np.ones((400, 2)), {}, "400 samples for seed 0, and this run scores 500"),
        (np.ones((500, 2)), {"name": "gmm"}, "'gmm' is the name of a model of genbench"),
        (np.ones((500, 2)), {"metrics": "w2"}, "has other metrics"),
        (np.ones((500, 2)), {"log_prob": np.zeros(7)}, "has 7 log-densities, and seed 0 has 10,000 test points; give"),
        (
            np.ones((500, 2)),
            {"log_prob": np.zeros(300)},
            r"300 log-densities, and seed 0 has 10,000 test points \(as many as it has training points\); give one for "
            "each point of the array 'test' that `genbench data export moons --seed 0 --train 300` writes",
        ),
        (np.ones((500, 2)), {"log_prob": np.zeros(5_000)}, "as many as it has validation points"),
        (np.ones((500, 2)), {"log_prob": np.zeros(10_001)}, "has 10,001 log-densities"),
        (np.ones((500, 2)), {"log_prob": lambda x: x}, "the shape .10000, 2.; log-densities are one for each point"),
        (np.ones((500, 2)), {"likelihood": "none"}, "write one of exact, estimate, bound"),
        ([np.ones((500, 2))] * 3, {"seeds": 2}, "3 sets of samples for 2 seeds"),
        ("gone.npz", {}, "gone.npz"),
        ("weights.pt", {}, "may run code when they are read; save the numbers with numpy.savez"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_changed(ours, samples, options, words):
    before = (ours.path / "run.json").read_bytes()
    with pytest.raises(GenbenchError, match=words):
        genbench.score(samples, "moons", run=ours.path, **QUIET, **options)
    assert (ours.path / "run.json").read_bytes() == before


def with_points(file, points):
    np.savez(file, points=points, log_prob=np.zeros(len(points)))
    return file


def test_log_densities_may_carry_the_test_points_that_they_belong_to(ours, theirs, tmp_path):
    splits = genbench.load_dataset("moons").splits(stream(0, "data"), Sizes(300))
    x = np.load(theirs[0])["samples"]
    for points, words in (
        (splits.test[1:1000], "999 of its 999 points are not the test points of seed 0, the first in row 0"),
        (splits.train, r"row 0 \(they are its training points\)"),
        (splits.validation[:500], r"row 0 \(they are its validation points\)"),
        (splits.test[:50, :1], r"points of shape \[50, 1\]"),
        (splits.test[:2000], "2,000 log-densities, and this run asks for 10,000 test points"),
    ):
        with pytest.raises(GenbenchError, match=words):
            genbench.score(x, "moons", log_prob=with_points(tmp_path / "p.npz", points), run=ours.path, **QUIET)
    np.savez(
        tmp_path / "few.npz",
        points=splits.test[:400].astype(np.float32),
        log_prob=np.load(theirs[0])["test_log_prob"][:400],
    )
    run = genbench.score(x, "moons", log_prob=tmp_path / "few.npz", metrics="nll", train=300, results=tmp_path, **QUIET)
    assert of(run, "outside")[0].metrics["nll"] == pytest.approx(
        -np.load(theirs[0])["test_log_prob"][:400].mean(), abs=1e-12
    )


def test_log_densities_of_other_points_get_a_warning_and_those_of_any_model_none():
    moons = genbench.load_dataset("moons")
    splits = moons.splits(stream(0, "data"), Sizes(300))
    trial = SimpleNamespace(dataset=moons, splits=splits)
    gaussian = multivariate_normal(splits.train.mean(axis=0), np.cov(splits.train.T))
    right, others = gaussian.logpdf(splits.test), gaussian.logpdf(moons.sample(10_000, seed=3))
    truth = moons.log_prob(splits.test)
    assert spearmanr(right, truth).statistic < 0.02, "it knows nothing of the truth, and is a density of the points"
    assert unrelated_density(trial, right) == ""
    assert unrelated_density(trial, truth) == ""
    assert unrelated_density(trial, np.zeros(10_000)) == ""
    words = unrelated_density(trial, others)
    assert "log-densities seem unrelated to the test points" in words
    assert "in 99.8% of cases" in words
    noise = np.random.default_rng(0).standard_normal((300, 500))
    missed = sum(unrelated_density(trial, one) == "" for one in noise)
    assert missed <= 5, "0.6 are expected at the stated rate, and more than 5 once in 30,000 times"


def test_a_row_with_log_densities_of_other_points_has_the_warning(theirs, tmp_path):
    arrays = dict(np.load(theirs[0]))
    run = genbench.score(
        arrays["samples"], "moons", log_prob=arrays["test_log_prob"][::-1], metrics="nll", train=300, seeds="0,",
        results=tmp_path, **QUIET,
    )  # fmt: skip
    (trial,) = of(run, "outside").values()
    assert [flag.text.partition(":")[0] for flag in trial.flags][1] == (
        "log-densities seem unrelated to the test points"
    )


def test_no_pickle_is_read(tmp_path):
    class Touch:
        def __reduce__(self):
            return (open, (str(tmp_path / "touched"), "w"))

    np.savez(tmp_path / "evil.npz", samples=np.array([Touch(), 1], dtype=object))
    (tmp_path / "evil.npy").write_bytes(pickle.dumps(Touch()))
    (tmp_path / "touched").unlink(missing_ok=True)
    for name in ("evil.npz", "evil.npy"):
        with pytest.raises(GenbenchError, match="not a numeric"):
            genbench.score(tmp_path / name, "moons", results=tmp_path, **QUIET)
    assert not (tmp_path / "touched").exists()


@pytest.mark.slow
def test_the_command_prints_the_row_with_its_flag(ours, theirs, tmp_path, genbench_cli):
    out = genbench_cli(
        "score", str(theirs[0]), "--data", "moons", "--name", "theirs", "--metrics", "sliced_w2", "--samples", "300",
        "--jobs", "0", "-q",
    ).stdout  # fmt: skip
    row = next(line for line in out.splitlines() if line.split()[1:2] == ["theirs"])
    assert "!" in row
    assert FLAG.partition(":")[0] in " ".join(out.split())
    rows = json.loads((tmp_path / "results" / "moons-outside" / "leaderboard.json").read_text())
    assert {one["model"] for one in rows} == {"oracle", "theirs"}


def test_the_order_of_given_samples_does_not_matter(tmp_path):
    x = genbench.load_dataset("moons").sample(6_000, seed=5)
    runs = [
        genbench.score(x[order], "moons", name="theirs", metrics="sliced_w2", run=tmp_path / name, **QUIET)
        for name, order in (("sorted", np.argsort(x[:, 0])), ("drawn", np.arange(len(x))))
    ]
    scores = [{seed: trial.metrics["sliced_w2"] for seed, trial in of(run, "theirs").items()} for run in runs]
    assert scores[0] == scores[1], "each third of the sorted ones is drawn from all of them"
    oracle = [trial.metrics["sliced_w2"] for trial in of(runs[0], "oracle").values()]
    assert max(scores[0].values()) < 3 * max(oracle), "the left third alone scores some 30 times as much"

"""Tests of my_metric: python -m pytest test_my_metric.py."""

from pathlib import Path

import genbench

PLUGIN = str(Path(__file__).with_name("my_metric.py"))


def test_the_truth_is_better_than_a_gaussian(tmp_path: Path) -> None:
    run = genbench.run(
        "gaussian", "moons", seeds=1, metrics="my_metric", samples=5_000, plugins=[PLUGIN],
        results=tmp_path, jobs=0, progress=False,
    )  # fmt: skip
    truth, gaussian = _score(run, "oracle"), _score(run, "gaussian")
    assert truth < gaussian  # the other way round where higher is better


def _score(run: genbench.Run, model: str) -> float:
    (trial,) = (trial for trial in run.trials if trial.model == model)
    value = trial.metrics["my_metric"]
    assert value is not None, [str(flag) for flag in trial.flags]
    return value

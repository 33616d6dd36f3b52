"""What docs/extending.md shows: the dataset tells the truth, the simulator is scored, the metric is a column."""

from __future__ import annotations

import numpy as np
from doc_pages import ROOT, Page

import genbench

PAGE = Page(ROOT / "docs" / "extending.md")


def block(name: str) -> str:
    return next(one.text for one in PAGE.python if one.file_name == name)


def test_the_model_is_that_of_the_readme():
    assert block("my_model.py") in Page(ROOT / "README.md").text


def test_the_dataset_tells_the_truth(tmp_path):
    (tmp_path / "my_data.py").write_text(block("my_data.py"))
    laplace = genbench.load_dataset("laplace", scale=0.5, plugins=[str(tmp_path / "my_data.py")])
    x = laplace.sample(200_000)
    errors = (laplace.entropy + laplace.log_prob(x).mean()) / (laplace.log_prob(x).std() / np.sqrt(len(x)))
    assert abs(errors) < 5, "5 standard errors: by chance once in two million"


def test_the_simulator_is_scored_without_a_density(tmp_path):
    code = block("my_simulator.py")
    assert len(code.strip().splitlines()) <= 20
    (tmp_path / "my_simulator.py").write_text(code)
    run = genbench.run(
        "gmm", "lotka_volterra", 1, "smoke", metrics="sliced_w2,kl,nll", samples=500, train=500, plugins=[str(tmp_path / "my_simulator.py")],
        results=tmp_path, jobs=0, progress=False,
    )  # fmt: skip
    for trial in run.trials:
        scores = {name for name, value in trial.metrics.items() if value is not None}
        assert scores == ({"sliced_w2", "nll"} if trial.model == "gmm" else {"sliced_w2"})
        assert trial.flags == []


def test_the_metric_is_a_column_and_its_truth_is_one_percent(tmp_path):
    (tmp_path / "my_metric.py").write_text(block("my_metric.py"))
    run = genbench.run(
        "gaussian", "moons", 1, "smoke", metrics="outside,sliced_w2", samples=4000, train=500, plugins=[str(tmp_path / "my_metric.py")],
        results=tmp_path, jobs=0, progress=False,
    )  # fmt: skip
    shares = {trial.model: trial.metrics["outside"] for trial in run.trials}
    assert abs(shares["oracle"] - 0.01) < 5 * np.sqrt(0.01 * 0.99 / 4000), "5 standard errors: once in two million"
    assert shares["gaussian"] > 0.2
    heading = next(line for line in str(run.leaderboard()).splitlines() if "model" in line)
    assert heading.index("outside") < heading.index("sliced W2")

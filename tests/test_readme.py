"""What the README shows, works."""

import re
from pathlib import Path

import numpy as np
import pytest

import genbench

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def block(start: str) -> str:
    return next(b for b in BLOCKS if b.startswith(start))


def test_the_model_of_the_readme_is_short_and_learns(tmp_path, genbench_cli):
    code = block("# my_model.py")
    assert len(code.strip().splitlines()) <= 33
    (tmp_path / "my_model.py").write_text(code)
    genbench_cli(
        "run", "--models", "my_flow,gaussian", "--data", "moons", "--plugin", "my_model.py", "--budget", "3000", "--seeds", "1",
        "--samples", "5000", "--metrics", "sliced_w2", "--name", "r", "-q",
    )  # fmt: skip
    rows = {row.model: row for row in genbench.load_run(tmp_path / "results" / "r").leaderboard().rows}
    assert rows["my_flow"].metrics["sliced_w2"].mean < 0.5 * rows["gaussian"].metrics["sliced_w2"].mean


def test_the_dataset_of_the_readme_tells_the_truth(tmp_path):
    (tmp_path / "my_data.py").write_text(block("# my_data.py"))
    laplace = genbench.load_dataset("laplace", scale=0.5, plugins=[str(tmp_path / "my_data.py")])
    x = laplace.sample(200_000)
    errors = (laplace.entropy + laplace.log_prob(x).mean()) / (laplace.log_prob(x).std() / np.sqrt(len(x)))
    assert abs(errors) < 5, "5 standard errors: by chance once in two million"


def test_the_simulator_of_the_readme_is_scored_without_a_density(tmp_path):
    code = block("# my_simulator.py")
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


def test_the_metric_of_the_readme_is_a_column_and_its_truth_is_one_percent(tmp_path):
    (tmp_path / "my_metric.py").write_text(block("# my_metric.py"))
    run = genbench.run(
        "gaussian", "moons", 1, "smoke", metrics="outside,sliced_w2", samples=4000, train=500, plugins=[str(tmp_path / "my_metric.py")],
        results=tmp_path, jobs=0, progress=False,
    )  # fmt: skip
    shares = {trial.model: trial.metrics["outside"] for trial in run.trials}
    assert abs(shares["oracle"] - 0.01) < 5 * np.sqrt(0.01 * 0.99 / 4000), "5 standard errors: once in two million"
    assert shares["gaussian"] > 0.2
    heading = next(line for line in str(run.leaderboard()).splitlines() if "model" in line)
    assert heading.index("outside") < heading.index("sliced W2")


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = block("import genbench").replace(
        'seeds=3, budget="quick")', 'seeds=1, samples=1000, metrics="sliced_w2,kl")'
    )
    assert "samples=1000" in code
    exec(compile(code, "README.md", "exec"), {})


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_and_pictures_exist(path):
    assert (Path(__file__).parents[1] / path).exists()

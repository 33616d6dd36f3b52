"""The README is a page: its length, its table, its model and its Python."""

from __future__ import annotations

import re

import pytest
from doc_pages import ROOT, Page

import genbench

README = Page(ROOT / "README.md")
REFERENCE = ROOT / "results" / "reference" / "moons-quick"
FEWEST, MOST = 700, 1200  # words
CONTROLS = ("oracle", "memoriser", "gaussian")  # fitted in no time


def test_the_readme_is_a_page():
    assert FEWEST <= len(README.text.split()) <= MOST


def rows(text: str) -> list[list[str]]:
    """Return the cells of a table in Markdown, the first row first."""
    lines = [line for line in text.split("\n") if line.startswith("|") and not set(line) <= set("|-: ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("page", [README, Page(ROOT / "README.zh.md")], ids=str)
def test_the_table_is_that_of_the_committed_run(page):
    """Each number of a row stands in the same row of the whole table, and no model is left out."""
    shown = rows(page.text.split("<!-- leaderboard -->")[1].split("\n\n")[0])[1:]
    heading, *whole = rows((REFERENCE / "leaderboard.md").read_text(encoding="utf-8").split("\n\n")[1])
    committed = {row[0]: dict(zip(heading, row, strict=True)) for row in whole}
    assert [row[0] for row in shown] == list(committed), "the models, in their order"
    for model, sliced, worse_by, times, kl, likelihood, seconds, speed, nfe in shown:
        row = committed[model]
        assert row["sliced W2"].startswith(sliced), model
        assert f"(×{times})" in row["sliced W2"], model
        same = ("worse by", "KL", "samples/s", "NFE")
        assert (worse_by, kl, speed, nfe) == tuple(row[name] for name in same), model
        assert seconds == row["train s"] or (seconds == "–" and model.split()[0] in CONTROLS), model
        assert likelihood in ("exact", "estimate", "bound", "none")


def test_the_figure_is_that_of_the_committed_run():
    assert (REFERENCE / "figures" / "samples.png").exists()
    assert "](results/reference/moons-quick/figures/samples.png)" in README.text


def block(start: str) -> str:
    return next(one.text for one in README.python if one.text.startswith(start))


def test_the_model_of_the_readme_is_short_and_learns(tmp_path, genbench_cli):
    code = block("# my_model.py")
    assert len(code.strip().splitlines()) <= 33
    (tmp_path / "my_model.py").write_text(code)
    genbench_cli(
        "run", "--models", "my_flow,gaussian", "--data", "moons", "--plugin", "my_model.py", "--budget", "3000", "--seeds", "1",
        "--samples", "5000", "--metrics", "sliced_w2", "--name", "r", "-q",
    )  # fmt: skip
    found = {row.model: row for row in genbench.load_run(tmp_path / "results" / "r").leaderboard().rows}
    assert found["my_flow"].metrics["sliced_w2"].mean < 0.5 * found["gaussian"].metrics["sliced_w2"].mean


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = block("import genbench")
    code = re.sub(
        r'seeds=3, budget="quick"', 'seeds=1, budget="smoke", samples=1000, metrics="sliced_w2,kl", jobs=0', asked
    )
    assert code != asked
    exec(compile(code, "README.md", "exec"), {})
    assert (tmp_path / "results" / "demo" / "report.html").exists()

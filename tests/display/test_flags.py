"""What a leaderboard says about models that cheat or lie: their flags, on the table itself."""

import re
from pathlib import Path

import pytest

import genbench
from genbench.display.export import render
from genbench.display.terminal import show

CHEATERS = str(Path(__file__).parents[1] / "plugins" / "cheaters.py")


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    models = "leaker,rememberer,collapsed,memoriser," + ",".join(
        f"{name}[components=20]" for name in ("too_sure", "too_modest", "blurred", "honest")
    )
    metrics = "kl,kl_reverse,self_consistency,coverage,memorisation,sliced_w2"
    run = genbench.run(
        models, "moons", seeds=2, budget="smoke", metrics=metrics, plugins=[CHEATERS], results=tmp_path_factory.mktemp("r"),
        jobs=0, samples=10_000, progress=False, say=lambda _: None,
    )  # fmt: skip
    assert all(trial.status == "ok" for trial in run.trials), [t.error for t in run.trials if t.error]
    return run.leaderboard()


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("leaker", "leak"),
        ("memoriser", "copies of training points"),
        ("rememberer", "closer to the training points"),
        ("collapsed", "collapse"),
        ("too_sure[components=20]", "not normalised"),
        ("too_modest[components=20]", "the density integrates to 0.7"),
        ("blurred[components=20]", "samples and density do not belong together"),
    ],
)
def test_cheats_are_flagged_at_every_seed(board, model, words):
    row = next(row for row in board.rows if row.model == model)
    for seed in (0, 1):
        assert any(flag.seed == seed and words in str(flag) for flag in row.flags), row.flags


@pytest.mark.parametrize("model", ["honest[components=20]", "oracle"])
def test_honest_models_are_not(board, model):
    """A false alarm needs 4 standard errors in one of five checks and two seeds: less than 1 in 1,000."""
    assert next(row for row in board.rows if row.model == model).flags == []


def test_the_flags_stand_on_the_table(board, capsys):
    show(board)
    text = capsys.readouterr().out
    assert re.search(r"│ leaker !", text)
    assert re.search(r"│ honest\[components=20\] +│", text)
    assert "! leaker on moons" in text
    assert "leaker (!)" in render(board, "md")

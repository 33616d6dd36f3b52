"""The line below a table about what its seeds can find."""

import re

import numpy as np
import pytest

from genbench.analysis.leaderboard import Leaderboard
from genbench.core.registry import discover
from genbench.display.formatting import power_line
from genbench.display.power_words import amount, found_sentence, more_seeds
from genbench.display.table_view import board_view
from trial_records import record, spec


@pytest.fixture(scope="module", autouse=True)
def _metrics():
    discover(groups=("metrics",))


def board(seeds, sort=None, **metrics):
    """A board of models with some seeds each: the scores of a metric are a mean a model, times noise of a tenth."""
    rng, trials = np.random.default_rng(0), []
    for i, n in enumerate(seeds):
        for seed in range(n):
            scores = {name: means[i] * float(np.exp(0.1 * rng.normal())) for name, means in metrics.items()}
            one = spec(model=f"m{i}", model_name=f"m{i}", seed=seed, metrics=tuple(metrics))
            trials.append(record(one, metrics=scores))
    return Leaderboard.of(trials, sort)


def test_it_is_about_the_metric_that_the_table_is_sorted_by():
    made = board([4, 4, 4], "kl", sliced_w2=[1.0, 1.1, 5.0], kl=[0.1, 0.1, 0.2])
    line = power_line(made, "d", ["sliced_w2", "kl"])
    assert re.fullmatch(
        r"With 4 seeds, a model whose KL \(exact\) is about 0\.0\d+ nats worse than that of the 2 others is called worse in "
        r"80 % of runs\.",
        line,
    )
    assert board_view(made).tables[0].notes == [line]
    other = power_line(board([4, 4, 4], "sliced_w2", sliced_w2=[1.0, 1.1, 5.0], kl=[0.1, 0.1, 0.2]), "d", ["kl"])
    found = re.search(r"whose sliced W2 is about ([\d.]+) times that of the 2 others", other)
    assert 1.15 < float(found[1]) < 1.6, "a tenth over √4 seeds, doubted: 2.2 to 6 standard errors of a difference"


def test_uneven_seeds_are_said_and_one_seed_says_nothing():
    assert power_line(board([3, 5, 8], w2=[1.0, 1.1, 1.2]), "d", ["w2"]).startswith("With 3 to 8 seeds, ")
    assert not power_line(board([1, 1], w2=[1.0, 2.0]), "d", ["w2"])


@pytest.mark.parametrize(
    ("needed", "words"),
    [
        ({}, ""),
        ({"a": 1}, "1 more seed would probably decide"),
        ({"a": 5, "b": 2}, "5 more seeds would probably decide"),
        ({"a": 5, "b": 2, "c": None}, "5 more seeds would probably decide all but c"),
        ({"a": 5, "b": None, "c": None}, "5 more seeds would probably decide 1 of them"),
        ({"a": None}, "it would take more than 50 seeds to decide"),
    ],
)
def test_more_seeds_in_words(needed, words, monkeypatch):
    monkeypatch.setattr("genbench.display.power_words.seeds_to_decide", lambda _: needed)
    assert more_seeds(None) == words


def test_more_seeds_of_a_table():
    apart = board([3, 3, 3], w2=[1.0, 1.2, 9.0]).contests["d", "w2"][0]
    assert [apart.verdict(i) for i in range(3)] == ["best", "open", "worse"]
    assert re.fullmatch(r"\d+ more seeds? would probably decide", more_seeds(apart))


def test_words():
    assert found_sentence(0.0123, "difference", "nats", (3, 3), 2, 0.9, score="KL") == (
        "With 3 seeds, a model whose KL is 0.012 nats worse than that of the other is called worse in 90 % of runs."
    )
    assert found_sentence(1.8, "quotient", "", (2, 4), 10, 0.8, worse=5) == (
        "With 2 to 4 seeds, each of 5 models whose score is 1.8 times that of the 5 others is called worse in 80 % of runs."
    )
    assert amount(1.234, "quotient") == "1.23 ×"
    assert amount(12.34, "quotient") == "12 ×"
    assert amount(0.5, "difference") == "0.5"

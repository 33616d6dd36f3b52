"""How many more seeds would decide what is open, and what those at hand find."""

import numpy as np
import pytest
from scipy.stats import norm

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.outlook import Noise, _decided, power_of, resolved, seeds_to_decide
from genbench.analysis.verdicts import Contest, Margin
from genbench.core.registry import discover
from genbench.statistics.best import ALPHA, SET_SHARE
from genbench.statistics.power import STORED
from trial_records import record, spec

WIDE = Margin(share=0.25, difference=0.1)


@pytest.fixture(scope="module", autouse=True)
def _metrics():
    discover(groups=("metrics",))


def contest(scores, metric="w2", margin=WIDE) -> Contest:
    """The contest of scores [k, n], NaN for a seed that a model lacks."""
    trials = [
        record(spec(model=f"m{i}", model_name=f"m{i}", seed=seed), metrics={metric: float(value)})
        for i, row in enumerate(scores)
        for seed, value in enumerate(row)
        if not np.isnan(value)
    ]
    return Leaderboard.of(trials, margin=margin).contests["d", metric][0]


def scores(means, n, sd=1.0, seed=0):
    """Scores with just these means and standard deviations."""
    noise = np.random.default_rng(seed).normal(size=(len(means), n))
    noise -= noise.mean(axis=1, keepdims=True)
    return np.asarray(means)[:, None] + sd * noise / noise.std(axis=1, ddof=1, keepdims=True)


@pytest.mark.parametrize("difference", [0.35, 0.42])
def test_of_two_models_with_many_seeds_the_chance_is_a_formula(difference):
    """Worse is called who lies 1.81 standard errors (3.5 %, one-sided) behind; the mean so far keeps its weight.

    After m more of n seeds that mean has the standard error √(2m) / (n + m). Of 200 continuations: 0.035.
    """
    n, one = 30, contest(scores([0.0, difference], 30, seed=4), "kl", Margin())
    assert one.verdict(1) == "open"
    for m in (5, 20, 60):
        z = (difference - norm.isf(SET_SHARE * ALPHA) * np.sqrt(2 / (n + m))) / (np.sqrt(2 * m) / (n + m))
        assert _decided(one, Noise.of(one), m)[1] == pytest.approx(norm.cdf(z), abs=0.12)


def test_a_larger_difference_takes_fewer_seeds_and_none_cannot_be_decided_without_a_margin():
    means = [0.0, 0.0, 0.2, 0.28, 0.36, 2.0]
    found = seeds_to_decide(contest(np.exp(scores(means, 3, 0.172, seed=5)), margin=Margin(share=1e-6)))
    assert "m5" not in found, "it is worse already"
    assert found.get("m1", found.get("m0")) is None, "the two are equal"
    needed = [found[name] for name in ("m2", "m3", "m4")]
    assert needed == sorted(needed, reverse=True)
    assert len(set(needed)) == 3


def test_equal_models_are_as_good_after_some_seeds():
    """A quotient of 1.25 is 0.22: beyond two standard errors of a difference, 0.17 √(2/n), from n = 8 on or so."""
    found = seeds_to_decide(contest(np.exp(scores([0.0, 0.0, 0.01, 0.01], 3, 0.172, seed=1))))
    assert len(found) == 3
    assert all(3 <= more <= 25 for more in found.values()), found


def test_nothing_open_and_nothing_that_varies():
    apart = contest(scores([1.0, 5.0, 9.0], 5, 0.01))
    assert seeds_to_decide(apart) == {}
    still = contest(np.ones((3, 4)), margin=Margin(share=0.1))
    assert resolved(still) is None
    assert Noise.of(still) is None
    assert all(more is None for more in seeds_to_decide(still).values())


def test_what_seeds_find_is_a_quotient_or_a_difference():
    values = scores([1.0, 1.1, 1.2, 1.3], 4, 0.05)
    found = resolved(contest(np.exp(values)))
    assert np.log(found) == pytest.approx(resolved(contest(values, "kl")), rel=1e-3)
    assert 1.08 < found < 1.3, "2 to 5 standard errors of a difference, 0.035"


def test_the_line_below_a_table_agrees_with_the_simulation():
    values = np.random.default_rng(3).normal(size=(8, 3)) * STORED.deviations(8)[2][:, None]
    one = contest(np.exp(values))
    assert np.log(resolved(one)) == pytest.approx(power_of(Noise.of(one)).smallest(3), rel=0.15)


def test_a_power_for_another_number_of_models_has_their_spread():
    noise = Noise.of(contest(np.exp(scores([0.0, 0.1, 0.2, 0.3], 10, 0.172))))
    power = power_of(noise, 12)
    assert power.deviations.shape[1] == 12
    assert np.median(power.deviations) == pytest.approx(np.median(noise.deviations), rel=0.1)


def test_errors_of_evaluation_are_a_part_of_the_noise():
    """Models that train to the same score on all seeds still differ by the luck of the test points."""
    trials = [
        record(
            spec(model=f"m{i}", model_name=f"m{i}", seed=seed), metrics={"kl": 0.01 * i + 1e-4 * ((seed + i) % 3)},
            standard_errors={"kl": 0.05},
        )
        for i in range(4)
        for seed in range(3)
    ]  # fmt: skip
    noise = Noise.of(Leaderboard.of(trials).contests["d", "kl"][0])
    assert (noise.deviations >= 0.05 * 0.9999).all()
    assert (noise.variance >= 0.05**2).all()


@pytest.mark.slow
def test_so_many_seeds_decide_in_four_of_five_continuations():
    """Over 120 and more open models of 40 tables: standard error 0.03, as continuations of one table are alike."""
    rng, hits = np.random.default_rng(1), []
    for _ in range(40):
        sd, mu = 0.172 * np.sqrt(5 / rng.chisquare(5, size=8)), np.array([0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.8])
        values = mu[:, None] + sd[:, None] * rng.normal(size=(8, 3))
        before = contest(np.exp(values))
        for name, more in seeds_to_decide(before).items():
            for _ in range(4 if more else 0):
                longer = np.full((8, 3 + more), np.nan)
                longer[:, :3] = values
                new = before.found.mean[:, None] + sd[:, None] * rng.normal(size=(8, more))
                longer[before.found.in_set, 3:] = new[before.found.in_set]
                hits.append(contest(np.exp(longer)).verdict(int(name[1:])) != "open")
    assert len(hits) > 400
    assert np.mean(hits) == pytest.approx(0.8, abs=0.1)

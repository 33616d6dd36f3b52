"""Models without steps keep to their budget by counting what they do, never by a clock."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

import genbench
from genbench.contracts.recipe import Budget
from genbench.models import gmm, hmm, kde


def mixture(n, d, seed=0):
    """Five Gaussians of full covariance."""
    rng, of = np.random.default_rng(seed), np.random.default_rng(d)
    roots, centres = of.normal(size=(5, d, d)) / np.sqrt(d), 3 * of.normal(size=(5, d))
    which = rng.integers(5, size=n)
    return centres[which] + np.einsum("nij,nj->ni", roots[which], rng.normal(size=(n, d)))


@pytest.mark.parametrize(
    ("budget", "seconds"), [("smoke", 0.5), ("quick", 10), ("standard", 45), ("30s", 30), ("2000", 10)]
)
def test_nominal_seconds(budget, seconds):
    assert Budget(budget).nominal_seconds == seconds


@pytest.fixture
def em_work(monkeypatch):
    """The nominal seconds of all steps of EM, and the numbers of points that it saw."""
    seconds, rows, fit = [], [], gmm._converged

    def counted(mixture, x):
        fitted = fit(mixture, x)
        steps = fitted.n_iter_ + (0 if fitted.warm_start else gmm.K_MEANS)
        seconds.append(steps * gmm.em_seconds(len(x), x.shape[1], fitted.n_components))
        rows.append(len(x))
        return fitted

    monkeypatch.setattr(gmm, "_converged", counted)
    return seconds, rows


@pytest.mark.parametrize(("n", "d"), [(20_000, 2), (20_000, 30), (200_000, 10)])
def test_gmm_does_no_more_than_its_budget_pays_for(n, d, em_work):
    seconds, rows = em_work
    x, new = mixture(n, d), mixture(1_000, d, seed=1)
    model = genbench.load_model("gmm").fit(x, budget="smoke")
    assert sum(seconds) < 0.6
    assert min(rows) < n == max(rows), "few points choose the number of components, all of them what these are"
    gaussian = genbench.load_model("gaussian").fit(x)
    assert model.log_prob(new).mean() > gaussian.log_prob(new).mean() + 0.3


def test_gmm_of_few_points_is_the_same_whatever_the_budget(em_work):
    x = mixture(3_000, 2)
    one, other = (genbench.load_model("gmm").fit(x, budget=budget) for budget in ("quick", "100000s"))
    assert sum(em_work[0]) < 2 * 10
    assert set(em_work[1]) == {3_000}
    np.testing.assert_array_equal(one.log_prob(x), other.log_prob(x))


def test_kde_chooses_its_bandwidth_by_as_many_pairs_as_the_budget_pays_for(monkeypatch):
    seen, distances = [], cdist

    def counted(x, y, metric):
        seen.append((len(x), len(y)))
        return distances(x, y, metric)

    monkeypatch.setattr("scipy.spatial.distance.cdist", counted)
    data = genbench.load_dataset("moons")
    x, new = data.sample(5_000, seed=0), data.sample(1_000, seed=1)
    models = [genbench.load_model("kde").fit(x, budget=budget) for budget in ("quick", "0.1s", "0.03s")]
    assert seen == [(kde.MOST, 5_000), (250, 4_347), (250, 1_304)]
    assert seen[2][0] * seen[2][1] * (kde.PAIR + 2 * kde.COORDINATE) == pytest.approx(0.03, rel=0.01)
    full, *fewer = (model.log_prob(new).mean() for model in models)
    assert fewer == pytest.approx([full, full], abs=0.03)


def test_hmm_takes_as_many_steps_as_the_budget_pays_for(monkeypatch):
    seen, step = [], hmm.em_step

    def counted(x, chain):
        seen.append(x.size)
        return step(x, chain)

    monkeypatch.setattr(hmm, "em_step", counted)
    x = np.random.default_rng(0).normal(size=(4_000, 16))
    genbench.load_model("hmm", tolerance=0).fit(x, kind="series", budget="smoke")
    assert 0.2 < sum(seen) * 3 * hmm.VALUE < 0.6


def test_a_classifier_of_two_densities_divides_the_seconds():
    x, y = genbench.load_dataset("moons").labelled_sample(200)
    bayes = genbench.load_classifier("gaussian").fit(x, y, budget="smoke")
    assert [model.model.budget_seconds for model in bayes.models] == [0.25, 0.25]


@pytest.mark.parametrize("name", ["gaussian", "ar_gaussian", "gmm", "gmm[components=3]"])
def test_more_columns_than_rows(name):
    """Ten factors in 200 columns: a density of 80 rows that knows them beats one that takes columns for independent."""
    rng = np.random.default_rng(0)
    loadings = rng.normal(size=(10, 200))
    x, new = (rng.normal(size=(n, 10)) @ loadings + 0.5 * rng.normal(size=(n, 200)) for n in (80, 500))
    plain, _, given = name.partition("[components=")
    params = {"components": int(given[:-1])} if given else {}
    log_p = genbench.load_model(plain, **params).fit(x).log_prob(new).mean()
    independent = genbench.load_model("naive_bayes").fit(x).log_prob(new).mean()
    assert independent + 50 < log_p
    best = -0.5 * (10 * np.log(2 * np.pi * np.e * 200) + 190 * np.log(2 * np.pi * np.e * 0.25))  # about the truth's
    assert log_p < best + 50

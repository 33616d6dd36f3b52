import numpy as np
import pytest

import genbench
from genbench.errors import ContractError, GenbenchError
from genbench.estimator import Estimator
from genbench.model import Model, register_model

RNG = np.random.default_rng(0)
X = RNG.normal(size=(500, 3)) * [1, 10, 0.1] + [5, -3, 0]


@register_model("tests_odd", family="tests", likelihood="exact")
class Odd(Model):
    """Answers whatever it is told to."""

    def __init__(self, shape: str = "n", value: float = 0.0):
        self.shape, self.value = shape, value

    def fit(self, x):
        self.seen = x

    def sample(self, n):
        return np.zeros((n, 3))

    def log_prob(self, x):
        return np.full({"n": (len(x),), "n1": (len(x), 1), "": ()}[self.shape], self.value)


def test_the_model_sees_standardised_data_and_the_user_the_datas_own_units():
    estimator = Estimator(Odd.card).fit(X)
    np.testing.assert_allclose(estimator.model.seen.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(estimator.model.seen.std(axis=0), 1)
    np.testing.assert_allclose(estimator.sample(2), np.tile(X.mean(axis=0), (2, 1)))
    np.testing.assert_allclose(estimator.log_prob(X), -np.log(X.std(axis=0)).sum())


def test_a_constant_coordinate_is_kept():
    x = np.column_stack([X[:, 0], np.full(len(X), 7.0)])
    estimator = genbench.load_model("memoriser").fit(x)
    assert (estimator.sample(10)[:, 1] == 7).all()


@pytest.mark.parametrize("name", ["gaussian", "gmm", "cfm", "coupling_flow", "ar"])
def test_nll_shifts_by_d_log_2_when_the_data_are_doubled(name):
    rows = X[:, :2]
    single = genbench.load_model(name).fit(rows, budget="40").log_prob(rows[:50])
    double = genbench.load_model(name).fit(2 * rows, budget="40").log_prob(2 * rows[:50])
    np.testing.assert_allclose(single - double, 2 * np.log(2), atol=1e-5)


def test_seeds_are_the_engines():
    estimator = genbench.load_model("gaussian").fit(X)
    np.random.seed(1)
    expected = np.random.rand()
    np.random.seed(1)
    first = estimator.sample(5, seed=3)
    assert np.random.rand() == expected
    np.testing.assert_array_equal(first, estimator.sample(5, seed=3))
    assert not np.array_equal(first, estimator.sample(5, seed=4))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.array([[1.0, np.nan], [0, 1]]), "1 of 2 points for gaussian hold NaN"),
        (np.zeros(5), r"needs points \[n, \*shape\], got shape \(5,\)"),
        ([["a", "b"]], "needs an array of numbers"),
        (np.zeros((0, 2)), "got shape"),
    ],
)
def test_bad_data_are_named(x, message):
    with pytest.raises(GenbenchError, match=message):
        genbench.load_model("gaussian").fit(x)


def test_what_comes_back_is_checked():
    with pytest.raises(ContractError, match="gave shape"):
        Estimator(Odd.card, {"shape": "n1"}).fit(X).log_prob(X)
    with pytest.raises(ContractError, match="gave NaN for 500 of 500"):
        Estimator(Odd.card, {"value": float("nan")}).fit(X).log_prob(X)


def test_misuse_is_named():
    with pytest.raises(GenbenchError, match="call fit first"):
        genbench.load_model("gaussian").sample(3)
    with pytest.raises(GenbenchError, match="has no likelihood"):
        genbench.load_model("memoriser").fit(X).log_prob(X)
    with pytest.raises(GenbenchError, match=r"fitted to points of shape \(3,\), got \(2,\)"):
        genbench.load_model("gaussian").fit(X).log_prob(X[:, :2])
    with pytest.raises(GenbenchError, match="samples from the truth"):
        genbench.load_model("oracle").fit(X)


def test_many_points_go_through_in_batches():
    estimator = genbench.load_model("gaussian").fit(X)
    x = np.tile(X, (50, 1))
    assert estimator.sample(25_001).shape == (25_001, 3)
    np.testing.assert_allclose(estimator.log_prob(x)[:500], estimator.log_prob(X))
    assert estimator.sample(0).shape == (0, 3)

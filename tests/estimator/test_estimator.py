from pathlib import Path

import numpy as np
import pytest

import genbench
from genbench.contracts.model import Model, register_model
from genbench.core.errors import ContractError, GenbenchError
from genbench.estimator.estimator import Estimator

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
        ([["a", "b"]], "x for gaussian holds text .*a.*; encode it"),
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


CONDITIONAL = str(Path(__file__).parents[1] / "plugins" / "conditional.py")
Y = np.arange(500) % 3
MEANS = np.array([[0.0, 0, 0], [4, 0, 0], [0, -4, 0]])


@pytest.fixture(scope="module")
def class_means():
    """A conditional model, fitted to three classes of which the last is twice as frequent."""
    y = np.concatenate([Y, np.full(167, 2)])
    x = MEANS[y] + 0.1 * RNG.normal(size=(len(y), 3))
    return genbench.load_model("class_means", plugins=[CONDITIONAL]).fit(x, labels=y, budget="300")


def test_a_conditional_model_draws_the_labels_that_are_asked_for(class_means):
    labels = np.array([2, 0, 1, 1])
    np.testing.assert_allclose(class_means.sample(4, labels=labels), MEANS[labels], atol=0.1)
    np.testing.assert_allclose(class_means.sample(3, labels=2), MEANS[[2, 2, 2]], atol=0.1)


def test_without_labels_they_are_as_frequent_as_in_training(class_means):
    drawn = class_means.sample(20_000)
    labels = np.abs(drawn[:, None] - MEANS).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(labels, class_means.labels(None, 20_000))
    np.testing.assert_allclose(np.bincount(labels) / 20_000, [0.25, 0.25, 0.5], atol=0.02)
    assert class_means.model.classes == 3


def test_a_conditional_model_is_restored_with_its_classes(class_means):
    y = np.repeat([0, 1, 2], [100, 300, 100])
    x = MEANS[y] + 0.1 * RNG.normal(size=(500, 3))
    fitted = genbench.load_model("class_means").fit(x, x, labels=y, validation_labels=y, classes=3, budget="50")
    again = genbench.load_model("class_means").restore(fitted.weights(), x, labels=y, classes=3)
    np.testing.assert_array_equal(again.sample(50), fitted.sample(50))
    np.testing.assert_allclose(again.classes.frequencies, [0.2, 0.6, 0.2])


def test_labels_that_do_not_fit_are_named(class_means):
    for labels, words in (
        ([1, 2], r"needs labels \[3\] of its samples, whole numbers from 0 on, got int64 \(2,\)"),
        ([0.5, 1, 2], r"whole numbers from 0 on, got float64 \(3,\)"),
        ([0, -1, 2], r"with -1"),
        (3, "was not trained with label 3; use 0 to 2"),
    ):
        with pytest.raises(GenbenchError, match=words):
            class_means.sample(3, labels=labels)
    with pytest.raises(GenbenchError, match="is conditional and needs the labels of its points; choose a dataset with"):
        genbench.load_model("class_means").fit(X)
    with pytest.raises(GenbenchError, match="needs the labels of its validation points"):
        genbench.load_model("class_means").fit(X, X, labels=Y)
    with pytest.raises(GenbenchError, match="label 2 is not one of the 2 classes 0 to 1"):
        genbench.load_model("class_means").fit(X, labels=Y, classes=2)
    with pytest.raises(GenbenchError, match="is not conditional and draws without labels; leave them out"):
        genbench.load_model("gaussian").fit(X, labels=Y).sample(3, labels=1)


def test_pictures_go_through_in_smaller_batches(class_means):
    """64 · 64 numbers a picture: 156 of them are 640,000."""
    sizes = []

    class Spy(type(class_means.model)):
        def sample(self, n, labels):
            sizes.append(n)
            return super().sample(n, labels)

    x = np.zeros((20, 1, 64, 64))
    estimator = genbench.load_model("class_means").fit(x, labels=Y[:20], kind="image", budget="3")
    estimator.model.__class__ = Spy
    assert estimator.sample(400).shape == (400, 1, 64, 64)
    assert sizes == [156, 156, 88]


def test_the_processor_is_a_device_like_others(class_means):
    """The context of the default device: the same model on "cpu:0", which is not left out as "cpu" is."""
    x = RNG.normal(size=(300, 2))
    card = genbench.load_model("cfm").card
    plain, placed = (Estimator(card, {}, device).fit(x, budget="20") for device in ("cpu", "cpu:0"))
    np.testing.assert_array_equal(plain.sample(20), placed.sample(20))
    np.testing.assert_array_equal(plain.log_prob(x[:5]), placed.log_prob(x[:5]))


def test_devices_are_chosen_by_name():
    from genbench.core.hardware import choose_device

    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") in ("cpu", "cuda", "mps")
    with pytest.raises(GenbenchError, match="device 'gpu' is unknown; choose one of auto, cpu, cuda, mps"):
        choose_device("gpu")


def test_a_device_that_is_not_there_is_named(monkeypatch):
    import torch

    from genbench.core.hardware import choose_device

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(GenbenchError, match="device 'cuda' is not there"):
        choose_device("cuda")

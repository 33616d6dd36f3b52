"""Classification by Bayes' rule: equal to what scikit-learn has in closed form, and honest about what it cannot do."""

import numpy as np
import pytest
from sklearn.covariance import EmpiricalCovariance
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.metrics import accuracy_score, log_loss
from sklearn.naive_bayes import GaussianNB

import genbench
from genbench.contracts.dataset import Sizes
from genbench.contracts.metric import select_metrics
from genbench.contracts.recipe import Recipe
from genbench.contracts.task_evidence import Predictions
from genbench.core.errors import GenbenchError
from genbench.core.registry import discover
from genbench.downstream.classification import part_of, posterior
from genbench.evaluation.evaluator import evaluate

discover()


@pytest.mark.parametrize("name", ["wine", "moons", "breast_cancer"])
def test_gaussian_is_quadratic_discriminant_analysis(name):
    """With the maximum-likelihood covariance, which divides by n, and the classes' shares as priors."""
    splits = genbench.load_dataset(name).splits(0)
    theirs = QuadraticDiscriminantAnalysis(solver="eigen", covariance_estimator=EmpiricalCovariance(), tol=0.0)
    theirs.fit(splits.train, splits.train_labels)
    ours = genbench.load_classifier("gaussian", ridge=0.0).fit(splits.train, splits.train_labels)
    np.testing.assert_allclose(
        np.exp(ours.predict_log_proba(splits.test)), theirs.predict_proba(splits.test), atol=1e-6
    )


@pytest.mark.parametrize("name", ["wine", "moons", "breast_cancer"])
def test_naive_bayes_is_gaussian_nb(name):
    splits = genbench.load_dataset(name).splits(0)
    theirs = GaussianNB(var_smoothing=0).fit(splits.train, splits.train_labels)
    ours = genbench.load_classifier("naive_bayes", smoothing=0.0).fit(splits.train, splits.train_labels)
    np.testing.assert_allclose(
        ours.predict_log_proba(splits.test), theirs.predict_log_proba(splits.test), atol=1e-8, rtol=1e-9
    )


@pytest.mark.parametrize("name", ["moons", "circles", "two_spirals", "pinwheel", "eight_gaussians", "gaussian_mixture"])
def test_the_truth_of_the_classes_adds_up(name):
    """Σ_y p(x, y) = p(x), and the labels of draws are as frequent as their probabilities say."""
    dataset = genbench.load_dataset(name)
    x, y = dataset.labelled_sample(4000, seed=1)
    joint = dataset.log_joint(x)
    np.testing.assert_allclose(np.logaddexp.reduce(joint, axis=1), dataset.log_prob(x), atol=1e-9)
    proba = np.exp(posterior(joint))
    # A count strays from the sum of its probabilities by √Σ p(1 − p); five of these and two points pass always but 1e-5.
    for label in range(dataset.classes):
        p = proba[:, label]
        assert abs((y == label).sum() - p.sum()) < 5 * np.sqrt((p * (1 - p)).sum()) + 2


def test_the_posterior_of_a_point_without_density_is_even():
    log_proba = posterior(np.array([[-np.inf, -np.inf], [-1000.0, -1001.0], [-np.inf, 0.0]]))
    np.testing.assert_allclose(np.exp(log_proba), [[0.5, 0.5], [1 / (1 + np.e**-1), 1 / (1 + np.e)], [0, 1]])


def test_metrics_of_predictions():
    """Accuracy and log-loss are scikit-learn's; the calibration error of predictions that are right as often as they say
    is that of counting: 0.8 for half of the points, right 4 times in 5, and 0.6, right always, off by 0.4."""
    labels = np.array([0] * 8 + [1] * 2 + [1] * 10)
    proba = np.array([[0.8, 0.2]] * 10 + [[0.4, 0.6]] * 10)
    dataset = genbench.load_dataset("moons")
    names = [card.name for card in select_metrics("all", "classify")]
    scores = evaluate(Predictions(dataset, 0, np.log(proba), labels), names).metrics
    assert scores["accuracy"] == pytest.approx(accuracy_score(labels, proba.argmax(axis=1)))
    assert scores["log_loss"] == pytest.approx(log_loss(labels, proba))
    assert scores["calibration_error"] == pytest.approx(0.2)


def test_a_budget_is_divided():
    assert part_of("quick", 4, Recipe(step_ms=2.0)) == "1250"
    assert part_of("3", 10, Recipe()) == "1"
    assert part_of("20s", 4, Recipe()) == "5.000s"
    x, y = genbench.load_dataset("eight_gaussians").labelled_sample(400)
    model = genbench.load_classifier("coupling_flow", couplings=2, hidden=8).fit(x, y, budget="80")
    assert model.steps == 80


def test_a_conditional_model_is_fitted_once():
    """p(x | y) of one model of all classes: even a short training tells distant classes apart."""
    dataset = genbench.load_dataset("gaussian_mixture", dim=2, components=3)
    splits = dataset.splits(0, Sizes(2000, 500, 500))
    model = genbench.load_classifier("cfm", conditional=True, hidden=32, density_steps=8)
    model.fit(splits.train, splits.train_labels, splits.validation, splits.validation_labels, budget="300")
    assert len(model.models) == 1
    assert (model.predict_log_proba(splits.test).argmax(axis=1) == splits.test_labels).mean() > 0.97


def test_digits_are_told_apart_by_densities():
    splits = genbench.load_dataset("digits").splits(0)
    model = genbench.load_classifier("kde").fit(splits.train, splits.train_labels, kind="image")
    assert (model.predict_log_proba(splits.test).argmax(axis=1) == splits.test_labels).mean() >= 0.97


def test_a_class_that_never_occurs_has_no_probability():
    x = np.random.default_rng(0).normal(size=(60, 2))
    y = np.repeat([0, 2], 30)
    for name in ("gaussian", "logistic_regression", "gradient_boosting"):
        log_proba = genbench.load_classifier(name).fit(x, y, classes=4).predict_log_proba(x)
        assert log_proba.shape == (60, 4)
        assert np.isneginf(log_proba[:, [1, 3]]).all()
        np.testing.assert_allclose(np.exp(log_proba).sum(axis=1), 1)


def test_the_task_from_plan_to_table(tmp_path):
    """The oracle stands beside all, no metric of samples is computed, and a repeated request trains nothing."""
    asked = {"models": "gaussian,kde,logistic_regression", "datasets": "moons", "seeds": 1, "budget": "smoke"}
    asked |= {"task": "classify", "train": 2000, "results": tmp_path, "jobs": 0, "progress": False}
    lines = []
    run = genbench.run(**asked, say=lines.append)
    rows = {row.model: row for row in run.leaderboard().rows}
    assert set(rows) == {"oracle", "gaussian", "kde", "logistic_regression"}
    assert set(rows["kde"].metrics) == {"accuracy", "log_loss", "calibration_error"}
    assert rows["oracle"].metrics["accuracy"].mean == 1
    assert rows["kde"].metrics["accuracy"].mean > 0.995 > rows["gaussian"].metrics["accuracy"].mean
    assert {row.place for row in rows.values()} == {"moons, classify"}
    assert run.path.name.endswith("-classify")
    genbench.run(**asked, say=lines.append)
    assert any("4 of 4 trials are finished already" in line for line in lines)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"datasets": "banana"}, "banana has no classes"),
        ({"models": "memoriser"}, "has no density"),
        ({"metrics": "w2"}, "'w2' is no metric of the task classify"),
        ({"models": "logistic_regression", "task": "generate"}, "is for the task classify"),
        ({"metrics": "accuracy", "task": "generate"}, "'accuracy' is no metric of the task generate"),
        ({"task": "classsify"}, "did you mean classify"),
    ],
)
def test_what_cannot_be_classified_is_said(asked, reason, tmp_path):
    request = {"models": "gaussian", "datasets": "moons", "task": "classify", "results": tmp_path} | asked
    with pytest.raises(GenbenchError, match=reason):
        genbench.run(**request)
    assert not list(tmp_path.iterdir())


def test_a_classifier_alone_says_what_it_lacks():
    x = np.zeros((10, 2))
    with pytest.raises(GenbenchError, match="has no density"):
        genbench.load_classifier("gan")
    with pytest.raises(GenbenchError, match="only classifies"):
        genbench.load_model("logistic_regression").fit(x)
    with pytest.raises(GenbenchError, match="single training point"):
        genbench.load_classifier("gaussian").fit(x, np.array([0] * 9 + [1]))

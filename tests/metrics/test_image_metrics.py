"""The classifier that metrics of pictures see by, how it is kept, and what they say of constructed samples."""

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

import genbench
from genbench.contracts.evidence import Evidence, Protocol
from genbench.core import downloads
from genbench.core.errors import GenbenchError
from genbench.evaluation.evaluator import evaluate
from genbench.metrics.class_balance import balance, class_balance, scarce
from genbench.metrics.confidence import classifier_accuracy, confidence, mean_confidence
from genbench.metrics.feature_precision_recall import feature_precision, feature_recall
from genbench.metrics.fid import fid
from genbench.metrics.memorisation import memorisation
from genbench.metrics.precision_recall import manifolds, manifolds_of
from genbench.metrics.recognition import Recognition
from genbench.nn import image_classifier
from genbench.nn.image_classifier import FEATURES, Network, Seen, classifier_of, train_network

PICTURES = ("fid", "feature_precision", "feature_recall", "class_balance", "confidence", "mean_confidence")


@pytest.fixture(scope="module")
def digits():
    return genbench.load_dataset("digits")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A cache folder of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        path = tmp_path_factory.mktemp("cache")
        patch.setattr(downloads, "cache_folder", lambda: path)
        yield path


@pytest.fixture(scope="module")
def classifier(digits, folder):
    return classifier_of(digits)


@pytest.fixture
def trainings(tmp_path, monkeypatch):
    """An empty cache folder, trainings of two steps, and a list that grows with each."""
    monkeypatch.setattr(downloads, "cache_folder", lambda: tmp_path / "cache")
    done = []

    def train(x, *facts):
        done.append(len(x))
        return train_network(x, *facts, steps=2)

    monkeypatch.setattr(image_classifier, "train_network", train)
    return done


def flat(x):
    return x.reshape(len(x), -1)


def evidence(dataset, samples, test, **facts) -> Evidence:
    return Evidence(dataset, flat(samples), flat(test), facts.pop("model_log_prob", None), seed=0, **facts)


def seen_as(features, test_features, labels=None, test_labels=None, k=10) -> Evidence:
    """Evidence of pictures in which the classifier has seen these features and, without a doubt, these labels."""
    labels = np.zeros(len(features), dtype=int) if labels is None else labels
    test_labels = np.zeros(len(test_features), dtype=int) if test_labels is None else test_labels
    parts = (Seen(f, np.eye(k)[y]) for f, y in ((features, labels), (test_features, test_labels)))
    shape = (1, 8, 8)
    facts = evidence(genbench.load_dataset("digits"), *(np.zeros((len(f), *shape)) for f in (features, test_features)))
    facts.results["recognition"] = Recognition(*parts, 0.98)
    return facts


# The classifier


def test_it_knows_the_digits(classifier, digits):
    splits = digits.splits(image_classifier.SEED)
    seen = classifier.look(splits.test)
    assert seen.features.shape == (len(splits.test), FEATURES)
    assert seen.features.dtype == seen.probabilities.dtype == np.float64
    np.testing.assert_allclose(seen.probabilities.sum(axis=1), 1)
    assert classifier.accuracy == (seen.probabilities.argmax(axis=1) == splits.test_labels).mean()
    assert classifier.accuracy >= 0.97


def test_features_do_not_depend_on_the_company(classifier, digits):
    x = digits.splits(0).test
    np.testing.assert_allclose(classifier.look(x).features[7:8], classifier.look(x[7:8]).features, atol=1e-4)


def test_pictures_are_seen_as_on_a_screen(classifier, digits):
    """In whole grey levels, whatever the noise within them, and none below 0 or above 1."""
    x = digits.splits(0).test[:20]
    levels = np.floor(17 * x)
    np.testing.assert_array_equal(classifier.look(x).features, classifier.look((levels + 0.5) / 17).features)
    np.testing.assert_array_equal(classifier.look(levels / 16).features, classifier.look((levels + 0.5) / 17).features)
    beyond, within = np.where(x > 0.5, 1e30, -1e30), np.where(x > 0.5, 1.0, 0.0)
    np.testing.assert_array_equal(classifier.look(beyond).features, classifier.look(within).features)
    continuous = train_network(x, np.arange(20) % 2, 2, steps=2)
    ends = np.where(x > 0.5, x.max(), x.min()).astype(np.float32)
    np.testing.assert_array_equal(
        continuous.look(torch.tensor(beyond.astype(np.float32)))[0].detach(),
        continuous.look(torch.tensor(ends))[0].detach(),
    )


@pytest.mark.parametrize("shape", [(1, 2, 2), (1, 8, 8), (3, 9, 13), (1, 28, 28), (3, 32, 32), (1, 64, 64)])
def test_any_size_of_pictures(shape):
    network = Network(shape, 4).eval()
    features, logits = network.look(torch.rand(3, *shape))
    assert (features.shape, logits.shape) == ((3, FEATURES), (3, 4))
    assert sum(p.numel() for p in network.parameters()) < 400_000


def test_training_is_repeatable_and_leaves_the_global_generator_alone(digits):
    splits = digits.splits(0)
    before = torch.get_rng_state()
    first, second = (train_network(splits.train, splits.train_labels, 10, steps=5) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])


def test_a_constant_channel_and_few_pictures():
    x = np.zeros((5, 2, 8, 8))
    x[:, 1] = np.random.default_rng(0).random((5, 8, 8))
    network = train_network(x, np.arange(5), 5, steps=3)
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())


# How it is kept


def test_a_second_time_it_is_read_and_not_trained(trainings, digits):
    x = digits.splits(0).test[:50]
    first = classifier_of(digits)
    again = classifier_of(genbench.load_dataset("digits"))
    assert trainings == [1079]
    assert again.accuracy == first.accuracy
    np.testing.assert_array_equal(again.look(x).features, first.look(x).features)
    files = sorted(file.suffix for file in (downloads.cache_folder() / "classifiers").iterdir())
    assert files in ([".json", ".lock", ".safetensors"], [".json", ".safetensors"])
    known = json.loads(next((downloads.cache_folder() / "classifiers").glob("*.json")).read_text())
    assert (known["dataset"], known["params"]) == ("digits", {"dequantise": "True", "levels": "17"})
    assert known["test_accuracy"] == first.accuracy
    assert {"sources", "data", "sha256"} <= set(known)


def test_other_parameters_are_another_classifier(trainings, digits):
    classifier_of(digits)
    classifier_of(genbench.load_dataset("digits", dequantise=False))
    assert len(trainings) == 2
    assert len(list((downloads.cache_folder() / "classifiers").glob("*.safetensors"))) == 2


def _flip(file):
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)


def _other_weights(file):
    """Weights of another network, with the right checksum."""
    import hashlib

    from safetensors.torch import save

    file.write_bytes(save(Network((1, 8, 8), 3).state_dict()))
    sidecar = file.with_suffix(".json")
    known = json.loads(sidecar.read_text()) | {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    sidecar.write_text(json.dumps(known))


DAMAGES = {
    "a bit": _flip,
    "cut short": lambda file: file.write_bytes(file.read_bytes()[:100]),
    "gone": lambda file: file.unlink(),
    "json cut short": lambda file: file.with_suffix(".json").write_text('{"dataset": '),
    "json of another kind": lambda file: file.with_suffix(".json").write_text("[1]"),
    "json without accuracy": lambda file: file.with_suffix(".json").write_text("{}"),
    "json of other code": lambda file: file.with_suffix(".json").write_text(
        json.dumps(json.loads(file.with_suffix(".json").read_text()) | {"sources": {}})
    ),
    "other weights": _other_weights,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_does_not_fit_is_trained_anew(trainings, digits, damage):
    first = classifier_of(digits)
    file = next((downloads.cache_folder() / "classifiers").glob("*.safetensors"))
    DAMAGES[damage](file)
    mended = classifier_of(digits)
    assert len(trainings) == 2
    assert mended.accuracy == first.accuracy
    classifier_of(digits)
    assert len(trainings) == 2


def test_a_folder_that_cannot_be_written(trainings, digits, tmp_path, monkeypatch):
    (tmp_path / "a file").write_text("")
    monkeypatch.setattr(downloads, "cache_folder", lambda: tmp_path / "a file")
    assert 0 <= classifier_of(digits).accuracy <= 1
    assert len(trainings) == 1


TWO = """
import time
import genbench
from genbench.nn import image_classifier as pc
train = pc.train_network
def slow(*facts):
    print("trained")
    time.sleep(2)
    return train(*facts, steps=2)
pc.train_network = slow
pc.classifier_of(genbench.load_dataset("digits"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the cache folder is set by a variable of XDG")
@pytest.mark.slow
def test_two_processes_train_once(tmp_path):
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    both = [
        subprocess.Popen([sys.executable, "-c", TWO], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(outputs) == ["", "trained\n"]
    assert not list(tmp_path.rglob("*.tmp"))


def test_pictures_without_labels_have_none(trainings):
    with pytest.raises(GenbenchError, match="no labels"):
        classifier_of(genbench.load_dataset("toy_images", shape="moons", size=8))


# The metrics


def test_fid_of_the_same_pictures_is_0(classifier, digits):
    test = digits.splits(0).test
    scale = classifier.look(test).features.var(axis=0).sum()
    assert fid(evidence(digits, test, test)) == pytest.approx(0, abs=1e-10 * scale)


def test_fid_of_moved_and_stretched_features():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(500, FEATURES)) @ rng.normal(size=(FEATURES, FEATURES))
    step = rng.normal(size=FEATURES)
    assert fid(seen_as(y + step, y)) == pytest.approx((step**2).sum(), rel=1e-9)
    stretched = y.mean(axis=0) + 1.5 * (y - y.mean(axis=0))  # commuting covariances: Σ (1.5 σ − σ)²
    assert fid(seen_as(stretched, y)) == pytest.approx(0.25 * np.trace(np.cov(y.T)), rel=1e-9)


def test_feature_precision_and_recall_are_those_of_the_features_as_points():
    rng = np.random.default_rng(0)
    x, y = 0.7 * rng.normal(size=(300, 5)), rng.normal(size=(200, 5))
    facts, found = seen_as(x, y), manifolds_of(x, y)
    assert feature_precision(facts).value == (found.test_balls_per_sample > 0).mean()
    assert feature_recall(facts).value == (found.sample_balls_per_test > 0).mean()
    assert 0 < feature_recall(facts).value < feature_precision(facts).value


def test_class_balance():
    tenths = np.full(10, 36.0)
    assert balance(tenths, 7 * tenths) == pytest.approx(1)
    some = tenths.copy()
    some[9], some[0] = 18, 54  # a twentieth of all has to change
    assert balance(some, tenths) == pytest.approx(0.95)
    assert balance(np.eye(10)[3], tenths) == pytest.approx(0.1)
    assert balance(np.array([0.0, 0, 1]), np.array([0.5, 0.5, 0])) == 0


def test_class_balance_of_labels_and_a_lost_class():
    f = np.zeros((1000, 2))
    y = np.arange(1000) % 10
    assert class_balance(seen_as(f, f, y, y[::-1])) == (pytest.approx(1), None, None)
    lost = np.where(y == 7, 2, y)
    value, _, flag = class_balance(seen_as(f, f, lost, y))
    assert value == pytest.approx(0.9)
    assert flag == "too few samples of class 7 (0.0% instead of 10.0%)"
    unlike = np.repeat([0, 1], [900, 100])  # data need not be balanced
    assert class_balance(seen_as(f, f, unlike, unlike)) == (pytest.approx(1), None, None)


def test_a_perfect_sampler_is_not_flagged_for_scarce_classes():
    """Four standard errors below half of its share: practically never, so none of 2,000 draws."""
    rng = np.random.default_rng(0)
    shares = np.full(10, 0.1)
    test = rng.multinomial(360, shares).astype(float)
    assert [scarce(draw.astype(float), test) for draw in rng.multinomial(360, shares, size=2_000)] == [None] * 2_000


def test_confidence():
    facts = seen_as(np.zeros((4, 2)), np.zeros((10, 2)))
    p = np.array([[0.9, 0.1], [0.05, 0.95], [0.6, 0.4], [0.2, 0.8]])
    facts.results["recognition"] = Recognition(Seen(np.zeros((4, 2)), p), facts.results["recognition"].test, 0.9)
    assert confidence(facts).value == 0.5
    assert mean_confidence(facts).value == pytest.approx((0.9 + 0.95 + 0.6 + 0.8) / 4)
    assert mean_confidence(facts).standard_error == pytest.approx(np.std([0.9, 0.95, 0.6, 0.8], ddof=1) / 2)
    assert classifier_accuracy(facts) == (0.9, pytest.approx(math.sqrt(0.09 / 10)), None)


def test_worse_pictures_score_worse(classifier, digits):
    """Held-out pictures, ones alone, and noise: each score says which is which."""
    splits = digits.splits(0)
    real = splits.validation
    ones, noise = (
        np.resize(splits.train[splits.train_labels == 1], real.shape),
        np.random.default_rng(0).random(real.shape),
    )
    good, collapsed, bad = (
        evaluate(evidence(digits, x, splits.test), (*PICTURES, "classifier_accuracy")) for x in (real, ones, noise)
    )
    assert good.flags == []
    assert good.metrics["fid"] < 0.1 * min(collapsed.metrics["fid"], bad.metrics["fid"])
    assert good.metrics["feature_precision"] > 0.8
    assert good.metrics["feature_recall"] > 0.8
    assert good.metrics["class_balance"] > 0.85
    assert good.metrics["confidence"] > 0.85
    assert good.metrics["classifier_accuracy"] == classifier.accuracy
    assert collapsed.metrics["class_balance"] < 0.2
    assert collapsed.metrics["feature_recall"] < 0.3
    assert str(collapsed.flags[0]).startswith("class_balance: too few samples of class 0 (0.0% instead of")
    assert bad.metrics["feature_precision"] < 0.3
    assert bad.metrics["confidence"] < good.metrics["confidence"]  # not by much: noise, too, can look sure


def test_nothing_for_points_nor_for_pictures_without_labels(trainings):
    names = (*PICTURES, "classifier_accuracy", "bits_per_dim")
    moons = genbench.load_dataset("moons")
    x = moons.sample(200)
    toys = genbench.load_dataset("toy_images", shape="moons", size=8)
    for dataset, points in ((moons, x), (toys, toys.sample(20))):
        facts = evidence(dataset, points, points, model_log_prob=np.zeros(len(points)))
        found = evaluate(facts, names)
        assert found.metrics == dict.fromkeys(found.metrics)
        assert set(found.metrics) == set(names)
        assert found.flags == []
    assert "labels" in evidence(genbench.load_dataset("toy_images", size=8), toys.sample(2), toys.sample(2)).has
    assert trainings == []


# How many points are compared with each other


@pytest.mark.parametrize(("d", "expected"), [(2, 400), (64, 400), (65, 100), (784, 100)])
def test_neighbours_are_searched_among_fewer_points_in_high_dimensions(d, expected):
    rng = np.random.default_rng(0)
    x, y, train = rng.normal(size=(400, d)), rng.normal(size=(300, d)), rng.normal(size=(200, d))
    facts = Evidence(genbench.load_dataset("moons"), x, y, None, 0, Protocol(searched=100), train)
    assert facts.searched == expected
    for found, same in zip(
        manifolds(facts).__dict__.values(), manifolds_of(x[:expected], y[:expected]).__dict__.values(), strict=True
    ):
        np.testing.assert_array_equal(found, same)
    few = Evidence(genbench.load_dataset("moons"), x[:expected], y, None, 0, Protocol(), train)
    assert memorisation(facts) == memorisation(few)

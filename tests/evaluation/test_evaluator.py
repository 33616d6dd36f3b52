"""The evaluator: what it refuses, what it reports, and that no metric can hurt another."""

import dataclasses

import numpy as np
import pytest

import genbench
from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.evidence import Evidence, Protocol
from genbench.contracts.metric import MetricCard, Score
from genbench.core.errors import BadSamples, GenbenchError
from genbench.core.registry import REGISTRY, discover
from genbench.evaluation.evaluator import evaluate

SMALL = Protocol(samples=1000, sets=2, set_size=200, projections=10)


class Plane(SyntheticDataset):
    """A standard normal in the plane."""

    shape = (2,)

    def draw(self, u, rng):
        return rng.standard_normal((len(u), 2)), None

    def log_density(self, x):
        return -0.5 * (x**2).sum(axis=1) - np.log(2 * np.pi)


@pytest.fixture
def evidence():
    dataset = Plane()
    test, train, samples = (dataset.sample(n, seed=seed) for n, seed in ((500, 1), (700, 3), (1000, 2)))
    own = dataset.log_prob(samples[:300])
    return Evidence(dataset, samples, test, dataset.log_prob(test), 0, SMALL, train, own)


@pytest.fixture
def add(monkeypatch):
    """Register a metric for one test."""
    discover(groups=("metrics",))

    def add(name, function, **facts):
        card = MetricCard(name, "test", function, label=name, needs=frozenset(facts.pop("needs", ())), **facts)
        monkeypatch.setitem(REGISTRY["metrics"].cards, name, card)

    return add


def test_the_truth_scores_well_on_every_metric(evidence):
    evaluation = evaluate(evidence)
    scores = evaluation.metrics
    assert set(scores) == {
        name for name, card in REGISTRY["metrics"].cards.items() if not card.variant and not card.task
    }
    assert scores["kl"] == 0
    assert scores["nll"] == pytest.approx(1 + np.log(2 * np.pi), abs=4 / np.sqrt(500))  # 4 s.e.
    assert scores["true_nll"] == pytest.approx(1 + np.log(2 * np.pi), abs=4 / np.sqrt(1000))
    assert 0 < scores["sliced_w2"] < 0.2
    assert 0 < scores["w2"] < 0.5
    assert abs(scores["mmd2"]) < 0.01
    assert abs(scores["energy"]) < 0.05
    assert scores["modes"] is None  # a Gaussian has none to count
    assert evaluation.flags == []
    assert evaluation.standard_errors["kl"] == 0
    assert all(value is None or type(value) is float for value in scores.values())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_are_checked_before_any_metric(evidence, add, value):
    seen = []
    add("spy", lambda evidence: seen.append(evidence) or 0.0, order=-1)
    evidence.samples[3, 1] = value
    with pytest.raises(BadSamples, match="1 of 1000 samples are NaN or infinite"):
        evaluate(evidence)
    assert seen == []


@pytest.mark.parametrize("shape", [(0, 2), (10, 3), (10,), (10, 2, 1)])
def test_samples_of_another_shape_are_refused(evidence, shape):
    with pytest.raises(BadSamples, match="must be \\[n, 2\\]"):
        evaluate(dataclasses.replace(evidence, samples=np.zeros(shape)))


def test_names_are_honoured_and_checked(evidence):
    assert list(evaluate(evidence, ["kl", "sliced_w2", "kl"]).metrics) == ["sliced_w2", "kl"]
    assert evaluate(evidence, []).metrics == {}
    with pytest.raises(GenbenchError, match="did you mean sliced_w2"):
        evaluate(evidence, ["sliced_w"])


def test_a_metric_whose_needs_are_not_met_is_none_without_a_flag(evidence, add):
    add("spy", lambda evidence: 1 / 0, needs=("modes",))
    blind = dataclasses.replace(evidence, model_log_prob=None)
    evaluation = evaluate(blind, ["nll", "kl", "spy", "modes", "true_nll"])
    assert evaluation.metrics.pop("true_nll") is not None
    assert evaluation.metrics == {"nll": None, "kl": None, "spy": None, "modes": None}
    assert evaluation.flags == []


def test_a_metric_that_fails_is_none_with_its_reason_and_stops_no_other(evidence, add):
    def broken(evidence):
        raise ValueError("the cause\nand more")

    add("broken", broken, order=-2)
    add("nothing", lambda evidence: None, order=-1)
    add("unbounded", lambda evidence: Score(np.inf, np.nan), order=0)
    add("warned", lambda evidence: Score(2.0, 0.5, "take care"), order=1)
    add("fine", lambda evidence: np.float32(0.5), order=2)
    evaluation = evaluate(evidence, ["fine", "broken", "nothing", "unbounded", "warned"])
    assert evaluation.metrics == {"broken": None, "nothing": None, "unbounded": np.inf, "warned": 2, "fine": 0.5}
    assert evaluation.standard_errors == {"warned": 0.5}
    assert str(evaluation.flags[0]) == "broken failed: ValueError: the cause"
    assert evaluation.flags[1].text.startswith("nothing failed: TypeError")
    assert [str(flag) for flag in evaluation.flags[2:]] == ["unbounded is inf", "warned: take care"]


def test_an_unsolved_transport_is_a_flag_not_a_score(evidence, monkeypatch):
    from genbench.metrics import w2

    monkeypatch.setattr(w2.wasserstein, "__defaults__", (1,))
    evaluation = evaluate(evidence, ["w2", "sliced_w2"])
    assert evaluation.metrics["w2"] is None
    assert evaluation.metrics["sliced_w2"] is not None
    assert "not solved" in evaluation.flags[0].text


def test_same_evidence_same_bits_and_the_global_generator_is_left_alone(evidence, add):
    add("drawn", lambda evidence: np.random.normal())
    before = np.random.get_state()[1].copy()
    first, second = evaluate(evidence), evaluate(dataclasses.replace(evidence))
    assert first == second
    assert (np.random.get_state()[1] == before).all()
    assert evaluate(dataclasses.replace(evidence, seed=1)).metrics["drawn"] != first.metrics["drawn"]


def test_worse_models_score_worse(evidence):
    """The Gaussian control on moons against the truth: every distance and every divergence sees it."""
    moons = genbench.load_dataset("moons")
    splits = moons.splits(0)
    gaussian = genbench.load_model("gaussian").fit(splits.train)
    protocol = Protocol(samples=4000, sets=2, set_size=500)
    good, bad = (
        evaluate(Evidence(moons, x, splits.test, log_prob(splits.test), 0, protocol, None, log_prob(x[:1000])))
        for x, log_prob in ((moons.sample(4000, seed=9), moons.log_prob), (gaussian.sample(4000), gaussian.log_prob))
    )
    for name in ("sliced_w2", "w2", "energy", "mmd2", "nll", "kl", "true_nll"):
        assert bad.metrics[name] > 2 * good.metrics[name]
    assert good.flags == bad.flags == []


def test_an_overconfident_density_is_flagged(evidence):
    evaluation = evaluate(dataclasses.replace(evidence, model_log_prob=evidence.model_log_prob + 0.05))
    assert evaluation.metrics["kl"] == pytest.approx(-0.05, abs=1e-12)
    assert [flag for flag in evaluation.flags if flag.text.startswith("kl is -0.05")]


def test_the_reference_of_real_data_holds_no_training_point():
    import genbench
    from genbench.contracts.evidence import Evidence
    from genbench.core.seeding import stream

    wine = genbench.load_dataset("wine")
    splits = wine.splits(stream(0, "data"))
    evidence = Evidence(wine, splits.validation, splits.test, None, stream(0, "evaluation"))
    trained_on = {row.tobytes() for row in splits.train}
    for reference in (evidence.reference, *(r for _, r in evidence.sets)):
        assert not trained_on & {row.tobytes() for row in reference}


def test_the_mean_of_evaluations_has_its_standard_error_by_their_spread():
    from genbench.storage.evaluation import Evaluation, Flag

    errors, flags = {"a": 9.0, "c": 0.5}, [Flag(text="x")]
    values = [{"a": v, "b": None if v == 2 else 1.0, "c": 5.0} for v in (1.0, 2.0, 3.0)]
    parts = [Evaluation(metrics=metrics, standard_errors=errors, flags=flags) for metrics in values]
    mean = Evaluation.mean(parts)
    assert mean.metrics == {"a": 2.0, "b": None, "c": 5.0}
    assert mean.standard_errors == pytest.approx({"a": 1 / 3**0.5, "c": 0.5})
    assert [flag.text for flag in mean.flags] == ["x"]
    assert Evaluation.mean(parts[:1]) == parts[0]

"""What a request stands for where it leaves seeds, metrics or evidence open."""

import numpy as np
import pytest

import genbench
from genbench.contracts.evidence import Protocol
from genbench.contracts.metric import METRICS, register_metric, select_metrics
from genbench.core.errors import ContractError, GenbenchError
from genbench.runs.launch import RunOptions
from genbench.runs.rescoring import rescore


def planned(**options):
    plan = RunOptions(models="gaussian", datasets="moons", **options).plan(lambda line: None)
    return [spec for spec in plan.trials if spec.model == "gaussian"]


def test_smoke_is_one_seed_few_samples_and_cheap_metrics():
    (spec,) = planned(budget="smoke")
    assert (spec.seed, spec.protocol.samples, spec.protocol.train) == (0, 5_000, 20_000)
    assert (spec.protocol.densities, spec.protocol.tested) == (500, 1_000)
    assert not any(METRICS[name].costly for name in spec.metrics)
    assert {"sliced_w2", "w2", "nll", "kl", "c2st"} <= set(spec.metrics)
    assert not {"precision", "recall", "memorisation"} & set(spec.metrics)


@pytest.mark.parametrize("budget", ["quick", "standard", "300", "30s"])
def test_other_budgets_are_three_seeds_and_all_metrics(budget):
    specs = planned(budget=budget)
    assert [spec.seed for spec in specs] == [0, 1, 2]
    assert {spec.protocol for spec in specs} == {Protocol()}
    assert {spec.metrics for spec in specs} == {tuple(card.name for card in select_metrics("all"))}


def test_what_is_asked_for_wins():
    specs = planned(budget="smoke", seeds="4,7", metrics="all", samples=777, train=99)
    assert [spec.seed for spec in specs] == [4, 7]
    assert (specs[0].protocol.samples, specs[0].protocol.train, specs[0].protocol.tested) == (777, 99, 1_000)
    assert "memorisation" in specs[0].metrics
    assert "memorisation" not in planned(metrics="cheap")[0].metrics
    with pytest.raises(GenbenchError, match="samples=1 is too few"):
        planned(budget="smoke", samples=1)


def test_cheap_goes_with_other_names_and_is_no_metric():
    assert "memorisation" in {card.name for card in select_metrics("cheap,memorisation")}
    assert {card.name for card in select_metrics("cheap", "classify")} == {"accuracy", "log_loss", "calibration_error"}
    with pytest.raises(ContractError, match="metric name 'cheap' stands for the metrics that are not costly"):
        register_metric("cheap", family="tests")


def test_densities_of_the_first_test_points_are_scored(tmp_path):
    run = genbench.run(
        "gaussian", "moons", budget="smoke", metrics="nll,kl,calibration", train=500, samples=600, jobs=0,
        results=tmp_path, progress=False, say=lambda line: None,
    )  # fmt: skip
    (trial,) = [trial for trial in run.trials if trial.model == "gaussian"]
    own = run.store.arrays(trial.key)["test_log_prob"]
    assert own.shape == (1_000,)
    assert trial.metrics["nll"] == pytest.approx(-own.mean(), rel=1e-12)
    test = genbench.evaluation.resolved_trial.ResolvedTrial.of(trial.spec).splits.test
    assert len(test) == 10_000
    truth = genbench.load_dataset("moons").log_prob(test[:1_000])
    assert trial.metrics["kl"] == pytest.approx(np.mean(truth - own), rel=1e-12)
    rescore(run, "cheap,recall", jobs=0, progress=False)
    (again,) = [trial for trial in genbench.load_run(run.path).trials if trial.model == "gaussian"]
    assert again.metrics["nll"] == trial.metrics["nll"]
    assert 0 < again.metrics["recall"] <= 1
    assert "precision" not in again.metrics

"""Models of other libraries get the scores that their own densities, POT and scipy give, computed by hand."""

from importlib.metadata import version

import numpy as np
import ot
import pytest
import torch
from scipy.spatial.distance import cdist

import genbench
from genbench.core.seeding import stream
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.runs.reload import Trained, reload
from genbench.tasks.steps import fitted

pytest.importorskip("zuko")
pytest.importorskip("normflows")
MODELS = ("sklearn_gmm", "sklearn_kde", "zuko_nsf", "zuko_maf", "normflows_realnvp[couplings=4]")
SAMPLES, SETS, SIZE = 6000, 4, 1500


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    run = genbench.run(
        ",".join(MODELS), "moons", seeds=1, budget="0.3s", samples=SAMPLES, metrics="sliced_w2,w2,energy,nll,kl", train=2000,
        results=tmp_path_factory.mktemp("libraries"), jobs=0, progress=False, say=lambda _: None,
    )  # fmt: skip
    return {trial.model: (run, trial, run.samples(trial.key)) for trial in run.trials}


@pytest.mark.parametrize("name", MODELS)
def test_scores_are_those_computed_by_hand(trials, name):
    run, trial, samples = trials[name]
    resolved = ResolvedTrial.of(trial.spec)
    truth, test, seed = resolved.dataset, resolved.splits.test, stream(0, "evaluation")
    units = resolved.splits.train.mean(axis=0), resolved.splits.train.std(axis=0)

    weights = run.store.weights(trial.key)
    estimator = reload(Trained(trial.spec, weights, "trained"), trial=resolved) if weights else fitted(resolved)
    log_p = density(estimator.model, (test - units[0]) / units[1]) - np.log(units[1]).sum()
    assert trial.metrics["nll"] == pytest.approx(-log_p.mean(), rel=1e-6)
    assert trial.metrics["kl"] == pytest.approx((truth.log_prob(test) - log_p).mean(), rel=1e-4, abs=1e-6)

    sets = np.split(samples, SETS)
    references = [truth.reference(SIZE, stream(seed, "set", k)) for k in range(SETS)]
    pairs = list(zip(sets, references, strict=True))
    w2 = np.mean([np.sqrt(ot.emd2([], [], cdist(x, y, "sqeuclidean"))) for x, y in pairs])
    assert trial.metrics["w2"] == pytest.approx(w2, rel=1e-9)

    within = np.mean([cdist(x, x).sum() / (SIZE * (SIZE - 1)) for x in sets])
    between = np.mean([cdist(x, y).mean() for x, y in pairs])
    truths = np.mean([cdist(references[k], references[k - 1]).mean() for k in range(SETS)])
    assert trial.metrics["energy"] == pytest.approx(2 * between - within - truths, rel=1e-6, abs=1e-9)

    reference = truth.reference(SAMPLES, stream(seed, "large"))
    angles = np.pi * (np.arange(100) + np.random.default_rng(stream(seed, "sliced_w2")).random()) / 100
    along = [np.array([np.cos(a), np.sin(a)]) for a in angles]
    sliced = np.sqrt(np.mean([ot.wasserstein_1d(samples @ a, reference @ a, p=2) for a in along]))
    assert trial.metrics["sliced_w2"] == pytest.approx(sliced, rel=1e-6), "in single precision"


@pytest.mark.parametrize("name", MODELS)
def test_samples_are_in_no_order_and_nothing_is_flagged(trials, name):
    """The mean of any fifth of them is within four standard errors of the whole's: wrong once in 800 such tests."""
    _, trial, samples = trials[name]
    assert not trial.flags
    error = samples.std(axis=0) / np.sqrt(SAMPLES / 5)
    for part in np.split(samples, 5):
        assert (np.abs(part.mean(axis=0) - samples.mean(axis=0)) < 4 * error).all()


def density(model, z):
    """Return the log-density [n] by the library's own method."""
    for name in ("mixture", "density"):
        if hasattr(model, name):
            return getattr(model, name).score_samples(z)
    with torch.no_grad():
        z = torch.tensor(z, dtype=torch.float32)
        return (model.flow.log_prob(z) if hasattr(model.flow, "q0") else model.flow().log_prob(z)).double().numpy()


def test_the_version_of_the_library_is_in_the_record(trials):
    known = trials["zuko_nsf"][1].provenance.versions
    assert known["zuko"] == version("zuko")
    assert "normflows" not in known

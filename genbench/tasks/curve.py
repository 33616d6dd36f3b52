"""The task `curve`: as `generate`, with the model scored on the way, for quality against training time.

The learning rate falls along a cosine over the whole budget, so a model that is seen at a quarter of it is not what a
quarter of the budget would have given: that one's rate would have fallen to 0 by then. A curve shows one training; what
shorter budgets give, only shorter runs tell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from genbench.contracts.dataset import Dataset, Splits
from genbench.contracts.metric import METRICS
from genbench.estimator.estimator import Estimator
from genbench.evaluation import model_outputs
from genbench.storage.records import TrialSpec
from genbench.tasks.base import Outcome
from genbench.tasks.execution import Conditions
from genbench.tasks.steps import finish, fit, load
from genbench.training.trainer import Snapshots

__all__ = ["run"]

SHARES = tuple(2.0**-k for k in range(6, -1, -1))  # of the training: 1/64, 1/32, … 1
CHEAP = ("sliced_w2", "kl", "nll")  # seconds matter where seven models are scored instead of one
SAMPLES, TEST = 10_000, 2_000  # samples and test points of a snapshot


def run(spec: TrialSpec, stage: Callable[[str], None], conditions: Conditions = Conditions()) -> Outcome:
    """Run one trial, with a row of cheap scores at each of the `SHARES`; the final scores are those of `generate`.

    A row has the share of the training that is done, its steps and seconds (the scoring left out), and the scores of
    the averaged weights at that moment. A model that the engine does not train has one row.

    Raises:
        GenbenchError and whatever a plugin raises; `stage` says where.
    """
    stage("load")
    loaded = load(spec, conditions)

    def take(present: Estimator, share: float, steps: int, seconds: float) -> dict[str, float]:
        scores = _score(spec, present, loaded.dataset, loaded.splits)
        return {"share": share, "steps": steps, "train_seconds": seconds, **scores}

    stage("fit")
    snapshots = Snapshots(SHARES, take)
    seconds = fit(spec, loaded, conditions, snapshots)
    rows = snapshots.rows or [take(loaded.estimator, 1.0, 0, seconds)]
    return finish(spec, loaded, stage, rows[-1]["train_seconds"], curve=rows)


def _score(spec: TrialSpec, present: Estimator, dataset: Dataset, splits: Splits) -> dict[str, float]:
    """Return the cheap ones of the metrics asked for, of fewer samples and test points; the first if none is cheap."""
    metrics = tuple(name for name in spec.metrics if name in CHEAP) or spec.metrics[:1]
    protocol = spec.protocol
    protocol = replace(protocol, samples=min(protocol.samples, SAMPLES), densities=1)
    brief = spec.model_copy(update={"metrics": metrics, "protocol": protocol})
    few = replace(splits, test=splits.test[:TEST])
    shown = model_outputs.Shown(model_outputs.draw(present, dataset, few, protocol, spec.seed))
    if any("density" in METRICS[name].needs for name in metrics):
        shown = model_outputs.densities(present, shown.samples, few, protocol, spec.seed)
    scores = model_outputs.score(brief, dataset, few, shown).metrics
    return {name: value for name, value in scores.items() if value is not None}

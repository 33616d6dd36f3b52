"""The task `variance`: on the data of each seed, several trainings, and several draws from each.

A score varies with the data, with the initialisation and order of a training, and with the draw that is scored. A run
of `generate` shows their sum; here each is apart (`genbench.statistics.variance`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from genbench.core.seeding import stream
from genbench.estimator.estimator import Estimator
from genbench.evaluation import model_outputs
from genbench.storage.evaluation import Evaluation
from genbench.storage.records import TrialSpec
from genbench.tasks.base import Outcome
from genbench.tasks.execution import Conditions
from genbench.tasks.steps import Loaded, finish, fit, load

__all__ = ["run"]

INITIALISATIONS, DRAWS = 3, 3  # each seed trains three times and scores nine times


def run(spec: TrialSpec, stage: Callable[[str], None], conditions: Conditions = Conditions()) -> Outcome:
    """Run one trial: the outcome is that of `generate`, with the mean scores of all draws of all trainings.

    `nested` holds the scores [initialisation][draw] of each metric. The first training is that of `generate`; seconds
    are a training's mean.

    Raises:
        GenbenchError and whatever a plugin raises; `stage` says where.
    """
    stage("load")
    loaded = load(spec, conditions)
    stage("fit")
    seconds = [fit(spec, loaded, conditions)]
    outcome = finish(spec, loaded, stage, seconds[0])
    groups = [_scores(spec, loaded, stream(spec.seed, "first"))]
    for k in range(1, INITIALISATIONS):
        stage("fit")
        again = loaded._replace(estimator=Estimator(loaded.estimator.card, spec.params, conditions.device))
        seed = stream(spec.seed, "initialisation", k)
        seconds.append(fit(spec, again, conditions, seed=seed, training=k))
        stage("score")
        groups.append(_scores(spec, again, seed))
    outcome.cost.train_seconds = float(np.mean(seconds))
    every = Evaluation.mean([evaluation for group in groups for evaluation in group])
    for name, values in every.metrics.items():
        rows = [[evaluation.metrics[name] for evaluation in group] for group in groups]
        if values is not None:
            outcome.metrics[name] = values
            outcome.nested[name] = rows  # type: ignore[assignment]  # none is None, else the mean would be
    return outcome


def _scores(spec: TrialSpec, loaded: Loaded, seed: int) -> list[Evaluation]:
    """Return the scores of several draws from one fitted model."""
    dataset, splits, estimator = loaded
    protocol = spec.protocol
    scores = []
    for k in range(DRAWS):
        of_draw = stream(seed, "draw", k)
        samples = model_outputs.draw(estimator, dataset, splits, protocol, of_draw)
        shown = model_outputs.densities(estimator, samples, splits, protocol, of_draw)
        scores.append(model_outputs.score(spec, dataset, splits, shown))
    return scores

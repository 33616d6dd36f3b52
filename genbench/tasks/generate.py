"""The task `generate`: load the data, fit, sample, score. Other tasks are made of the same steps."""

from __future__ import annotations

from genbench.storage.records import TrialSpec
from genbench.tasks.base import Outcome
from genbench.tasks.execution import Conditions
from genbench.tasks.steps import Stage, finish, fit, load

__all__ = ["run"]


def run(spec: TrialSpec, stage: Stage, conditions: Conditions = Conditions()) -> Outcome:
    """Run one trial. `stage` is told the phase that begins: load, fit, sample, log_prob, score.

    Raises:
        GenbenchError and whatever a plugin raises; `stage` says where.
    """
    stage("load")
    loaded = load(spec, conditions)
    stage("fit")
    seconds = fit(spec, loaded, conditions)
    return finish(spec, loaded, stage, seconds)

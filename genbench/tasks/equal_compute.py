"""Whether a training run kept to its budget, in units that are the same on every machine."""

from __future__ import annotations

import warnings

from genbench.contracts.recipe import Budget
from genbench.core.errors import GenbenchWarning
from genbench.storage.records import TrialSpec
from genbench.training.compute import Compute

__all__ = ["caution_unequal", "unequal"]

BOUND = 2.0  # by hand: times its budget, or that part of it, within which a training is equal
# By hand, seconds of the reference machine: what libraries take to be imported and a model to be built once, whatever
# the budget is.
START = 2.0


def unequal(spec: TrialSpec, compute: Compute, steps: int) -> str:
    """Return in a line how far a training run missed its budget; empty where it kept to it, or nothing can be said.

    A named budget is in seconds of the reference machine, and so is `compute`. A budget in seconds is wall time of this
    machine, at whose end the engine ends its own training runs, so only more than twice of it is worth a word. A
    budget in steps is as long as its steps are. A model that the engine does not train by steps may take less than its
    budget: it has converged, or a closed form, and more would not change it.

    It is said only where it is beyond the bounds whatever the true speed of the machine in the spread of the kernel's
    times, and without what the start took, up to some seconds.

    Args:
        steps: of a model that the engine trains; 0 for others.
    """
    budget = Budget(spec.budget)
    limit = budget.nominal or budget.seconds
    if limit is None:
        return ""
    start = min(compute.start, START)
    if budget.nominal:
        least, usual, most = (max(0.0, x - start) for x in (compute.least, compute.seconds, compute.most))
    else:
        least = usual = most = max(0.0, compute.processor - start)
    if least > BOUND * limit:
        quotient = max(least, usual) / limit
    elif steps and budget.nominal and most < limit / BOUND:
        quotient = min(most, usual) / limit
    else:
        return ""
    line = f"unequal compute: training took {_digits(quotient)} times its budget of {limit:g} s"
    if not steps:
        return f"{line}; `fit` should look at its budget or do less"
    if not budget.nominal:
        return f"{line}; give it more time, or make its steps shorter"
    alternative = "" if spec.steps else " or leave it out"
    return f"{line}; state step_ms={_digits(1000 * usual / steps)}{alternative}"


def caution_unequal(spec: TrialSpec, compute: Compute | None, steps: int) -> None:
    """Warn of a training run that missed its budget, if what it computed was measured; see `unequal`."""
    if compute and (line := unequal(spec, compute, steps)):
        warnings.warn(line, GenbenchWarning, stacklevel=2)


def _digits(number: float) -> str:
    """Return a positive number to two digits, without an exponent."""
    return f"{number:.2g}" if number < 100 else f"{float(f'{number:.2g}'):.0f}"

"""Whether a training run kept to its budget, in units that do not depend on the machine."""

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
    """Return, in one line, by how much a training run missed its budget; "" if it did not.

    It is also "" if that is unknown. A named budget is in seconds of the reference machine, and so is `compute`. A
    budget in seconds is wall-clock time of this machine. The engine stops its own training runs at its end, so only
    more than twice the budget is reported. A budget in steps is never missed. A model that the engine does not
    train by steps may take less than its budget, because it has converged or has a closed form.

    A line is returned only if the budget is missed for all machine speeds within the spread of the kernel's times. Some
    seconds for the start are left out.

    Args:
        steps: the number of steps, if the engine trains the model; otherwise 0.
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
    """Warn if a training run missed its budget and its computation was measured.

    See `unequal`.
    """
    if compute and (line := unequal(spec, compute, steps)):
        warnings.warn(line, GenbenchWarning, stacklevel=2)


def _digits(number: float) -> str:
    """Return a positive number to two digits, without an exponent."""
    return f"{number:.2g}" if number < 100 else f"{float(f'{number:.2g}'):.0f}"

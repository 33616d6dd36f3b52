"""The next configurations to try, from those tried before: Optuna's samplers, or a grid.

Nothing is kept between two calls. The proposals depend only on the study's own record, so that an interrupted search
continues as if it had not been interrupted, for any number of worker processes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from genbench.core.errors import GenbenchError, nearest
from genbench.core.seeding import stream
from genbench.runs.tuning.space import Point, Space
from genbench.storage.studies import Configuration

if TYPE_CHECKING:
    from optuna import Study

__all__ = ["SAMPLERS", "check_sampler", "importance", "proposed"]

SAMPLERS = TPE, RANDOM, GRID = "tpe", "random", "grid"
STARTS = 10  # random configurations before the search is guided; Optuna's own number
FEW = 1_000  # by hand: points of a space that are counted, so that it is known when all were tried
AGAIN = 20  # draws for each that is wanted, by hand: so many are all old ones where a space is nearly exhausted
ENOUGH = 8  # by hand: configurations without which no share of a parameter means anything


def check_sampler(name: str) -> None:
    """Raise a GenbenchError if the sampler does not exist or needs Optuna, which is missing."""
    if name not in SAMPLERS:
        raise GenbenchError(f"no sampler '{name}'{nearest(name, list(SAMPLERS))}; use one of {', '.join(SAMPLERS)}")
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise GenbenchError("tuning needs Optuna, which is not installed; pip install 'genbench[tune]'") from None


def proposed(
    space: Space, tried: list[Configuration], usual: Point | None, sampler: str, count: int, most: int
) -> list[Point]:
    """Return the next points to try, all of them new.

    They are fewer than `count` if there are no more.

    Args:
        tried: all configurations so far, the default first.
        usual: the point of the default, if it is the same for all data.
        most: number of configurations of the whole search, which sets the size of a grid.
    """
    before = [space.point(one.params) for one in tried[1:]] + ([usual] if usual else [])
    if sampler == GRID:
        return [point for point in space.grid(most - 1) if point not in before][:count]
    left = [point for point in space.points(FEW) or [] if point not in before]
    if space.points(FEW) is not None and len(left) <= count:
        return left
    with _quiet():
        study = _study(space, tried, usual, sampler)
        found: list[Point] = []
        for _ in range(count * AGAIN):
            trial = study.ask(space.distributions())
            point = space.decoded(trial.params)
            if point in before + found:
                study.tell(trial, state=_states().PRUNED)
                continue
            found.append(point)
            if len(found) == count:
                break
    return found


def importance(space: Space, tried: list[Configuration], usual: Point | None) -> dict[str, float]:
    """Return the share of each parameter in the spread of scores, the largest first.

    See Hutter et al. (2014). It is {} if there are too few configurations, or if all are equally good.
    """
    fine = [one for one in tried if one.behind is not None]
    if len(space.ranges) < 2 or len(fine) < ENOUGH or len({one.behind for one in fine}) < 2:
        return {}
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    with _quiet():
        study = _study(space, fine if fine[0] is tried[0] else [tried[0], *fine], usual, RANDOM)
        try:
            shares = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
        except (ValueError, RuntimeError):  # such as where each configuration has the same value of a parameter
            return {}
    return {name: round(float(share), 3) for name, share in shares.items()}


def _study(space: Space, tried: list[Configuration], usual: Point | None, sampler: str) -> Study:
    """Return a study in memory that knows what was tried; failures count as the worst, asked ones as running."""
    import optuna

    states, distributions = _states(), space.distributions()
    seed = stream(0, "tune", space.card.name, len(tried))
    samplers: dict[str, Any] = {
        TPE: lambda: optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTS, constant_liar=True),
        RANDOM: lambda: optuna.samplers.RandomSampler(seed=seed),
    }
    study = optuna.create_study(sampler=samplers[sampler](), direction="minimize")
    for number, one in enumerate(tried):
        point = space.encoded(space.point(one.params) if number else usual or {})
        if point is None:
            continue
        state = {"ok": states.COMPLETE, "failed": states.PRUNED, "asked": states.RUNNING}[one.status]
        value = one.behind if state == states.COMPLETE else None
        if state == states.COMPLETE and value is None:
            continue
        study.add_trial(optuna.trial.create_trial(state=state, value=value, params=point, distributions=distributions))
    return study


def _states() -> Any:
    from optuna.trial import TrialState

    return TrialState


@contextmanager
def _quiet() -> Iterator[None]:
    """Let Optuna say nothing of itself inside the block."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(before)

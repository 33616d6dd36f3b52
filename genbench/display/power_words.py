"""The differences that seeds can find, as text for tables and `genbench power`."""

from __future__ import annotations

from genbench.analysis.outlook import seeds_to_decide
from genbench.analysis.verdicts import Contest, Scale
from genbench.display.numbers import brief
from genbench.statistics.power import MOST_SEEDS

__all__ = ["amount", "factor", "found_sentence", "more_seeds", "seed_words"]


def found_sentence(
    smallest: float,
    scale: Scale,
    unit: str,
    seeds: tuple[int, int],
    models: int,
    power: float,
    worse: int = 1,
    score: str = "score",
    about: bool = False,
) -> str:
    """Return the smallest amount that is found with some probability, as a sentence.

    Args:
        smallest: a quotient or a difference, depending on `scale`; `unit` is the unit of a difference.
        seeds: smallest and largest number of seeds of a model.
        models, worse: number of competing models, and of those that are worse by the same amount.
        power: the probability.
        score: the name of the score.
        about: whether the amount is an approximation.

    >>> found_sentence(1.62, "quotient", "", (3, 3), 10, 0.8, score="sliced W2")
    'With 3 seeds, a model whose sliced W2 is 1.62 times that of the 9 others is called worse in 80 % of runs.'
    """
    others = f"the {models - worse} others" if models - worse > 1 else "the other"
    by = f"{factor(smallest)} times" if scale == "quotient" else f"{amount(smallest, scale, unit)} worse than"
    by = f"about {by}" if about else by
    which = "a model" if worse == 1 else f"each of {worse} models"
    return (
        f"With {seed_words(*seeds)}, {which} whose {score} is {by} that of {others} is called worse in "
        f"{100 * power:g} % of runs."
    )


def more_seeds(contest: Contest) -> str:
    """Return how many more seeds would probably decide the open models, as a clause.

    It is "" if no model is open. The clause is "5 more seeds would probably decide", with "all but cfm" if MOST_SEEDS
    do not decide cfm.
    """
    needed = seeds_to_decide(contest)
    known = [more for more in needed.values() if more is not None]
    never = [model for model, more in needed.items() if more is None]
    if not needed:
        return ""
    if not known:
        return f"it would take more than {MOST_SEEDS} seeds to decide"
    clause = f"{max(known)} more seed{'s' * (max(known) > 1)} would probably decide"
    if not never:
        return clause
    names = f"{', '.join(never[:-1])} and {never[-1]}" if len(never) > 1 else never[0]
    return f"{clause} all but {names}" if len(known) > len(never) else f"{clause} {len(known)} of them"


def seed_words(fewest: int, most: int) -> str:
    """Return a number of seeds as text: "3 seeds", "3 to 8 seeds"."""
    return f"{most} seeds" if fewest == most else f"{fewest} to {most} seeds"


def amount(worse_by: float, scale: Scale, unit: str = "") -> str:
    """Return how much worse a model is, as text: "1.5 ×", or a difference with its unit."""
    return f"{factor(worse_by)} ×" if scale == "quotient" else f"{brief(worse_by, 2)} {unit}".rstrip()


def factor(value: float) -> str:
    """Return a quotient with as many digits as a simulation supports."""
    return brief(value, 3 if 1 < value < 2 else 2)

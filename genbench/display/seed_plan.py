"""Display of the seeds that a comparison needs: on a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape

from genbench.analysis.seed_plan import SeedPlan
from genbench.core.strict_json import strict_json
from genbench.display.numbers import brief
from genbench.display.power_words import amount, found_sentence, seed_words
from genbench.display.rich_tables import console, empty_table
from genbench.statistics.power import MOST_SEEDS

__all__ = ["render", "show"]


def render(plans: Sequence[SeedPlan]) -> str:
    """Return plans as JSON."""
    return strict_json({"most_seeds": MOST_SEEDS, "plans": [p.public() for p in plans]}) + "\n"


def show(plans: Sequence[SeedPlan], source: str) -> None:
    """Print plans on the terminal; `source` says where the spread comes from."""
    out, power = console(), f"{100 * plans[0].power:g} %"
    named = bool(plans[0].metric)
    headings = [*(["dataset", "metric", "spread"] if named else []), "worse by"]
    at_hand = {plan.seeds for plan in plans}
    now = f"found with {seed_words(*plans[0].seeds)}" if len(at_hand) == 1 else "found with its seeds"
    models, worse = {plan.models for plan in plans}, plans[0].worse
    title = f"{f'{plans[0].models} models' if len(models) == 1 else 'Models'}, {'one' if worse == 1 else worse} worse"
    table = empty_table([*headings, f"seeds for {power}", now], title=title, left=("dataset", "metric"), keys=2)
    for plan in plans:
        for i, one in enumerate(plan.amounts):
            what = [plan.dataset, plan.metric_label, _spread(plan)] if named else []
            cells = [*(what if not i else [""] * len(what)), amount(one.worse_by, plan.scale, plan.unit)]
            needed = str(one.seeds_needed) if one.seeds_needed else f"more than {MOST_SEEDS}"
            table.add_row(*map(escape, [*cells, needed, f"{100 * one.found:.0f} %"]))
    out.print(table)
    for plan in plans:
        out.print(_sentence(plan), markup=False)
    if found := [plan for plan in plans if plan.below is not None]:
        said = ", ".join(amount(float(plan.below or 0), plan.scale, plan.unit) for plan in found)
        out.print(
            f"The line below a table of this run says about {said}: an approximation, which takes the estimated spread "
            "for known. Here it is estimated anew from each simulated table, as from each run.",
            style="dim", markup=False,
        )  # fmt: skip
    _show_open(plans, power)
    times, error = len(plans[0].simulation.deviations), 100 * plans[0].error
    simulated = f"Simulated {times} times: ± {error:.0f} percentage points (standard error)."
    out.print(f"{source} {simulated}", style="dim", markup=False)


def _show_open(plans: Sequence[SeedPlan], power: str) -> None:
    """Print the models that are open, and how many more seeds would decide them."""
    if not any(plan.open for plan in plans):
        return
    headings = ("dataset", "metric", "model", "behind the best", "95 % interval", f"more seeds for {power}")
    out, table = console(), empty_table(headings, title="Open: may be best, may be worse", left=headings[:3], keys=3)
    for plan in plans:
        for i, one in enumerate(sorted(plan.open, key=lambda each: each.behind)):
            at_most = max((one.low, one.high), key=abs)
            ends = f"[{', '.join(amount(end, plan.scale, '') for end in (one.low, one.high))}]"
            needed = f"over {MOST_SEEDS} in all" if one.more_seeds is None else str(one.more_seeds)
            what = ["", ""] if i else [plan.dataset, plan.metric_label]
            behind = amount(one.behind, plan.scale, plan.unit)
            table.add_row(*map(escape, [*what, one.model, behind, ends if abs(at_most) < 1e300 else "–", needed]))
    out.print(table)
    out.print(
        "Decided: called worse, or as good within the margin. True differences are taken for those that are estimated, "
        "and all models that may be best get the seeds.",
        style="dim",
    )  # fmt: skip


def _spread(plan: SeedPlan) -> str:
    """Return the standard deviation over seeds of the median model: in per cent where scores are logarithms."""
    return (
        f"{100 * plan.deviation:.2g} %"
        if plan.scale == "quotient"
        else f"{brief(plan.deviation, 2)} {plan.unit}".rstrip()
    )


def _sentence(plan: SeedPlan) -> str:
    """Return what the seeds at hand find, as a sentence."""
    score = f"{plan.metric_label} on {plan.dataset}" if plan.metric else "score"
    return found_sentence(plan.smallest, plan.scale, plan.unit, plan.seeds, plan.models, plan.power, plan.worse, score)

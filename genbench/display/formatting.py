"""Numbers and flags as text, the same in all formats."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from genbench.analysis.blind_spots import is_blind
from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.outlook import resolved
from genbench.analysis.scores import Cell, Row, card_of
from genbench.contracts.metric import METRICS
from genbench.display.numbers import LARGE, brief, decimals, with_error
from genbench.display.power_words import found_sentence
from genbench.statistics.power import POWER

__all__ = [
    "LIKELIHOOD_SIGNS",
    "amount",
    "beside_oracle",
    "blind_line",
    "components_lines",
    "failures",
    "flag_lines",
    "label",
    "left_out_line",
    "legend_notes",
    "main_metrics",
    "order_line",
    "power_line",
    "quotient",
    "seeds",
    "value",
    "version_lines",
]

# Nats or bits: less is what sums in double precision leave of 0. A distance may be as small as its unit.
ROUNDING = 1e-12
LIKELIHOOD_SIGNS = {"exact": "", "estimate": "≈ ", "bound": "≤ ", "none": ""}


def main_metrics(rows: Sequence[Row], metrics: Sequence[str], whole: bool = False) -> list[str]:
    """Return the metrics that get a column.

    They are those that some row has; of genbench's own metrics, only the main ones. With `whole`, they are all metrics
    that some row has.
    """
    scored = [name for name in metrics if any(row.metrics.get(name) for row in rows)]
    cards = METRICS.cards
    return [n for n in scored if whole or n not in cards or cards[n].main or not cards[n].built_in] or scored


def label(name: str) -> str:
    """Return a metric's heading."""
    return str(card_of(name).label)


def value(row: Row, name: str, cell: Cell | None, places: int | None = None) -> str:
    """Return a score as text, with as many digits as its interval supports.

    With `places`, it has that number of decimals.
    """
    if cell is None:
        return "–"
    sign = LIKELIHOOD_SIGNS[row.likelihood] if card_of(name).by_likelihood else ""
    half = cell.standard_error if cell.low is None or cell.high is None else (cell.high - cell.low) / 2
    if card_of(name).unit in ("nats", "bits") and max(abs(cell.mean), half or 0.0) < ROUNDING:
        return f"{sign}0"
    return sign + with_error(cell.mean, half, places)


def quotient(cell: Cell | None) -> str:
    """Return the quotient of a score by the oracle's, with interval, as text; "" without one."""
    if cell is None or cell.ratio is None:
        return ""
    ends = [end for end in (cell.ratio_low, cell.ratio_high) if end is not None]
    if cell.ratio >= LARGE:
        return brief(cell.ratio) + (f" [{', '.join(map(brief, ends))}]" if len(ends) == 2 else "")
    if cell.ratio_low is None or cell.ratio_high is None:
        return f"{cell.ratio:.2f}"
    digits = min(2, decimals((cell.ratio_high - cell.ratio_low) / 2))
    return f"{cell.ratio:.2f} [{cell.ratio_low:.{digits}f}, {cell.ratio_high:.{digits}f}]"


def beside_oracle(name: str, cell: Cell) -> str:
    """Return the quotient of a score by the oracle's, and the oracle's score, as text.

    It is "" without an oracle.
    """
    if cell.floor is None:
        return ""
    ratio = "" if card_of(name).higher_is_better else quotient(cell)  # shares need no quotient
    return f"{ratio} × {brief(cell.floor)}" if ratio else f"oracle {brief(cell.floor)}"


def seeds(row: Row) -> str:
    """Return how many seeds of a row did not fail, and of how many if some failed, as text."""
    return f"{row.seeds}/{row.seeds + row.failed}" if row.failed else str(row.seeds)


def failures(row: Row, separator: str = ", ") -> str:
    """Return how many trials of a row failed, and how, as text."""
    return separator.join(f"{n} {status}" for status, n in row.statuses.items() if status != "ok")


def amount(number: float | None) -> str:
    """Return a cost as text."""
    if number is None:
        return "–"
    if number >= 100 or number == int(number):
        return f"{number:,.0f}"
    return f"{number:.2g}" if number < 1 else f"{number:.1f}"


def flag_lines(row: Row) -> list[str]:
    """Return a row's flags, one line for each.

    Flags that differ only in seed and numbers share one line.
    """
    groups: dict[tuple[str, str], tuple[str, list[str]]] = {}
    for flag in row.flags:
        alike = re.sub(r"[\d.e+-]+", "#", flag.text)
        groups.setdefault((flag.metric, alike), (str(flag), []))[1].append(str(flag.seed))
    lines = []
    for text, its in groups.values():
        others = f" (and seed{'s' * (len(its) > 2)} {', '.join(its[1:])} alike)" if its[1:] else ""
        lines.append(f"{row.model} on {row.dataset}, seed {its[0]}: {text}{others}")
    return lines


def power_line(board: Leaderboard, place: str, metrics: Sequence[str]) -> str:
    """Return how much worse a model must be to be called worse, as a sentence.

    It is by the metric by which a table is sorted. If the table lacks that metric, it is by the first of `metrics` that
    ranks models. The sentence is "" if nothing varies.
    """
    names = [name for name in (board.sorted_by(place), *metrics) if name and board.contests.get((place, name))]
    if not names:
        return ""
    contest = max(board.contests[place, names[0]], key=lambda one: len(one.rows))
    found = resolved(contest)
    if found is None:
        return ""
    seeds = [len(row.values[contest.metric]) for row in contest.rows]
    score = label(contest.metric) + (f" ({contest.likelihood})" if contest.likelihood else "")
    return found_sentence(
        found, contest.scale, card_of(contest.metric).unit, (min(seeds), max(seeds)), len(seeds), POWER, score=score,
        about=True,
    )  # fmt: skip


def blind_line(board: Leaderboard, place: str, metrics: Sequence[str]) -> str:
    """Return which metrics of a table hardly detect a wrong dependence of coordinates.

    It is "" if there are none.
    """
    rows = [row for row in board.rows if row.place == place and row.dim]
    blind = [label(name) for name in metrics if any(is_blind(name, row.dim, row.samples) for row in rows)]
    if not blind:
        return ""
    dim = max(row.dim or 0 for row in rows)
    what = "a model that has only the margins and correlations right scores nearly as well as the truth"
    return f"In {dim} dimensions, {what} in {', '.join(blind)}."


def order_line(board: Leaderboard) -> str:
    """Return by what the tables are sorted, as a sentence.

    It gives the reason if that is not the first metric of the models.
    """
    places = dict.fromkeys(row.place for row in board.rows)
    found = {place: by for place in places if (by := board.sorted_by(place))}
    if not found:
        return ""
    if board.asked or len(set(found.values())) == 1:
        by = board.sort if board.asked else next(iter(found.values()))
        passed = any(is_blind(name, row.dim, row.samples) for row in board.rows for name in _before(board, str(by)))
        why = ", the first that sees how coordinates depend on each other" if passed and not board.asked else ""
        return f"Sorted by {by} (▲){why}."
    return (
        "Each table is sorted by the first metric of all its models that sees how coordinates depend on each other (▲)."
    )


def _before(board: Leaderboard, metric: str) -> list[str]:
    """Return the metrics that stand before one in the tables."""
    return board.metrics[: board.metrics.index(metric)] if metric in board.metrics else []


def components_lines(board: Leaderboard, dataset: str, metrics: Sequence[str]) -> list[str]:
    """Return the sources of the spread of each model's scores, a line for each.

    It is [] unless the run has the task `variance`.
    """
    lines = []
    for row in (row for row in board.rows if row.place == dataset):
        found = board.components(row)
        parts = []
        for name in metrics:
            if name in found and (one := found[name]).total > 0:
                shares = ", ".join(f"{source} {100 * share:.0f} %" for source, share in one.shares.items())
                parts.append(f"{label(name)} ± {brief(math.sqrt(one.total), 2)} ({shares})")
        if parts:
            lines.append(f"{row.model}, standard deviation of one score: {'; '.join(parts)}")
    return lines


def left_out_line(board: Leaderboard) -> str:
    """Return how many rows are not shown, as a sentence; "" if all are.

    It says that the marks compare these rows, too.
    """
    n = board.left_out
    return f"{n} row{' of this run is' if n == 1 else 's of this run are'} not shown; marks compare all." if n else ""


def legend_notes(board: Leaderboard) -> list[str]:
    """Return notes about likelihoods, versions of libraries, and single seeds."""
    notes = []
    notes += [line] if (line := left_out_line(board)) else []
    if any(row.likelihood in ("bound", "estimate") for row in board.rows):
        notes.append(
            "Likelihoods: ≤ an upper bound of the NLL, ≈ an estimate, else exact; each kind is ranked among its own."
        )
    notes += tuned_lines(board.rows)
    for place in dict.fromkeys(row.place for row in board.rows):
        here = [row for row in board.rows if row.place == place]
        notes += [*version_lines(place, here), *machine_lines(place, here)]
    if max((row.seeds for row in board.rows), default=0) < 2:
        notes.append(
            "One seed: ± is the standard error of the score, by its test points or sets of samples, without the spread "
            "of training runs; nothing is marked."
        )
    return notes


def tuned_lines(rows: Sequence[Row]) -> list[str]:
    """Return what tuned models are, a line for each, and that the others are not tuned.

    So a reader knows that the comparison is not equal.
    """
    lines = list(dict.fromkeys(f"{row.model}: {row.tuned}." for row in rows if row.tuned))
    if lines and any(row.role == "model" and not row.tuned for row in rows):
        lines.append("Models without [tuned] in their names were not tuned here: tuned stands against default.")
    return lines


def version_lines(place: str, rows: Sequence[Row]) -> list[str]:
    """Return which rows used another version of a library than most, a line for each library."""
    libraries = sorted({name for row in rows for name in row.versions})
    return [
        line
        for library in libraries
        for line in _odd_ones(
            place, f"with {library}", [(row.model, row.versions[library]) for row in rows if library in row.versions]
        )
    ]


def machine_lines(place: str, rows: Sequence[Row]) -> list[str]:
    """Return which rows used another processor, device or number of threads than most."""
    all_of_them = {machine for row in rows for machine in row.machines}
    differing = [part for part in range(3) if len({machine[part] for machine in all_of_them}) > 1]

    def told(row: Row) -> tuple[str, ...]:
        words = (", ".join(machine[part] or "unknown" for part in differing) for machine in row.machines)
        return tuple(dict.fromkeys(words))

    return _odd_ones(place, "on", [(row.model, told(row)) for row in rows if row.machines]) if differing else []


def _odd_ones(place: str, how: str, rows: Sequence[tuple[str, tuple[str, ...]]]) -> list[str]:
    """Return in a line which models have other values of a fact than most, or that seeds have; nothing if all agree."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for model, values in rows:
        groups.setdefault(values, []).append(model)
    usual = max(groups, key=lambda values: len(groups[values]))
    if len(groups) == 1 and len(usual) > 1:
        return [f"{place}: seeds were run {how} {' and '.join(usual)}."]
    parts = [
        f"{', '.join(models)} {'was' if len(models) == 1 else 'were'} run {how} {' and '.join(values)}"
        for values, models in groups.items()
        if values != usual
    ]
    rest = f"the others {how.partition(' ')[0]} {' and '.join(usual)}"
    return [f"{place}: {', '.join(parts)}, {rest}."] if parts else []

"""Verdicts as text: how much worse a score is, what counts as good, what marks mean."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from genbench.analysis.scores import Cell, Verdict, card_of
from genbench.analysis.verdicts import Contest, Scale
from genbench.display.numbers import bound, brief, decimals

__all__ = ["SIGNS", "VERDICTS", "at_least", "legend", "margin_line", "worse_by", "worse_by_key"]

VERDICTS: tuple[Verdict, ...] = ("best", "as good", "open", "worse")
SIGNS: Mapping[Verdict, str] = {"best": "*", "as good": "=", "open": "?", "worse": ""}  # beside a number
MEANINGS: Mapping[Verdict, str] = {
    "best": "leads",
    "as good": "as good: shown to be within the margin",
    "open": "open: may be the best, may be worse",
    "worse": "worse",
}
METHOD = "Compared with the best (Hsu 1984), 95 % jointly over the models of a table"


def legend(signs: Mapping[Verdict, str]) -> str:
    """Return the meaning of the marks in one line, for a format that uses some signs."""
    marks = "; ".join(f"{signs[verdict]} {MEANINGS[verdict]}" for verdict in VERDICTS)
    return f"{marks}. {METHOD}; controls do not compete."


def worse_by(cell: Cell) -> str:
    """Return how much worse than the best a score is, as text.

    It is "" for a row that does not compete. The ends of the interval are rounded outwards, so that they still hold:
    "leads", "1.7–11.8 ×", "+0.006 to +0.012", "up to 3.1 ×" if it is open, "within 1.2 ×" if it is as good.
    """
    if cell.verdict is None or cell.verdict == "best":
        return "leads" if cell.verdict else ""
    if cell.worse_by is None or cell.scale is None:
        return "∞"
    low, high = cell.worse_by
    at_most = "" if high is None else bound(high, _digits(cell.scale, high), up=True)
    if cell.verdict != "worse":
        if not at_most:
            return "not known"
        plus = "+" if cell.scale == "difference" and cell.verdict == "open" else ""
        return f"{'within' if cell.verdict == 'as good' else 'up to'} {plus}{at_most}{_times(cell.scale)}"
    least = bound(low or 0.0, _digits(cell.scale, high), up=False)
    if cell.scale == "difference":
        return f"+{least} to +{at_most}" if at_most else f"+{least} or more"
    return f"{least}–{at_most} ×" if at_most else f"{least} × or more"


def worse_by_key(cell: Cell) -> float | None:
    """Return the key by which a column of `worse_by` is sorted; None without competition.

    It is the upper end, and the leader is first.
    """
    if cell.verdict is None or cell.verdict == "best":
        return -math.inf if cell.verdict else None
    return math.inf if cell.worse_by is None or cell.worse_by[1] is None else cell.worse_by[1]


def at_least(contest: Contest, i: int) -> str:
    """Return how much worse the i-th model is at least, as text.

    Examples are "1.7 times" and "0.006 nats"; it is "" if that rounds to 0.
    """
    low, high = contest.worse_by(i)
    text = bound(low, _digits(contest.scale, high if math.isfinite(high) else None), up=False)
    text = text.rstrip("0").rstrip(".") if "." in text else text
    if float(text.replace(",", "")) <= (1 if contest.scale == "quotient" else 0):
        return ""
    unit = "times" if contest.scale == "quotient" else card_of(contest.metric).unit
    return f"{text} {unit}".strip()


def margin_line(contests: Sequence[Contest]) -> str:
    """Return what counts as good by one metric in one table, as a sentence.

    It is "" if nothing is compared.
    """
    lines = []
    for contest in contests:
        card = card_of(contest.metric)
        if contest.margin is None:
            lines.append(
                f"No model is shown to be as good: {card.label} has no margin of its own; --margin 0.05 sets one."
            )
        elif contest.scale == "quotient":
            lines.append(f"As good means at most {_percent(contest.margin - 1)} % worse than the best.")
        else:
            lines.append(f"As good means within {brief(contest.margin, 2)} {card.unit}".rstrip() + " of the best.")
    return " ".join(dict.fromkeys(lines))


def _digits(scale: Scale, high: float | None) -> int:
    """Return the decimals of an interval: two digits of its upper end, of a quotient of what it is above 1."""
    if scale == "quotient":
        return 1 if high is None else max(1, decimals(high - 1))
    return 2 if high is None else decimals(high)


def _times(scale: Scale) -> str:
    return " ×" if scale == "quotient" else ""


def _percent(share: float) -> str:
    return f"{100 * share:.0f}" if share >= 1 else brief(100 * share, 2)

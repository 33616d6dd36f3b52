"""A column of dates: read, and checked for equal steps.

Steps are those of the clock, of the calendar, or of working days.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genbench.core.errors import GenbenchError
from genbench.core.types import Array

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["dates_of", "equal_steps", "numbered_steps"]

Place = Callable[[int], str]

# How dates are written: ISO 8601, then others with the formats that they may mean. A quarter is its first day.
ISO = re.compile(r"\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?)?")
FORMS = (
    (r"\d{4}/\d{1,2}/\d{1,2}", ("%Y/%m/%d",)),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", ("%d.%m.%Y",)),
    (r"\d{1,2}/\d{1,2}/\d{4}", ("%m/%d/%Y", "%d/%m/%Y")),
    (r"[A-Za-z]{3} \d{4}", ("%b %Y",)),
    (r"[A-Za-z]{3}-\d{4}", ("%b-%Y",)),
    (r"[A-Za-z]+ \d{4}", ("%B %Y",)),
)
CLOCK = r"( \d{1,2}:\d{2}(:\d{2})?)?"  # after a day
QUARTER = r"\d{4}-?Q[1-4]"
COMPACT = ((r"\d{8}", "%Y%m%d"), (r"\d{6}", "%Y%m"))  # also plain numbers
UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))  # in seconds


def dates_of(cells: Sequence[str], name: str, compact: bool = False) -> pd.DatetimeIndex | None:
    """Return the dates in cells of text; None if a cell is not a date.

    Times with a zone are in UTC.

    Args:
        cells: the cells as they were written.
        name: the name of the column in errors.
        compact: whether 20240131 and 202401 are dates, too.

    Raises:
        GenbenchError: day and month cannot be distinguished.
    """
    import pandas as pd

    texts = [cell.strip() for cell in cells]
    if not texts:
        return None
    if all(map(ISO.fullmatch, texts)):
        with_zone = re.search(r"(Z|[+-]\d{2}:?\d{2})$", texts[0][10:]) is not None
        return _read(texts, format="ISO8601", utc=with_zone)
    if all(re.fullmatch(QUARTER, text) for text in texts):
        return pd.PeriodIndex([text.replace("-", "") for text in texts], freq="Q").to_timestamp()
    for form, format in COMPACT if compact else ():
        if all(re.fullmatch(form, text) for text in texts):
            return _read(texts, format=format)
    for form, formats in FORMS:
        if all(re.fullmatch(form + CLOCK, text) for text in texts):
            times = {re.search(CLOCK + "$", text)[0].count(":") for text in texts}  # type: ignore[index]
            clock = {0: "", 1: " %H:%M", 2: " %H:%M:%S"}.get(times.pop(), "") if len(times) == 1 else ""
            return _only(texts, [_read(texts, format=format + clock) for format in formats], name)
    return None


def _read(texts: list[str], **how: Any) -> pd.DatetimeIndex | None:
    import pandas as pd

    try:
        dates = pd.DatetimeIndex(pd.to_datetime(pd.Series(texts), **how))
    except ValueError:
        return None
    return dates.tz_convert("UTC").tz_localize(None) if dates.tz is not None else dates


def _only(texts: list[str], readings: list[pd.DatetimeIndex | None], name: str) -> pd.DatetimeIndex | None:
    """Return the one reading that there is, or the one of two that steps evenly."""
    found = [reading for reading in readings if reading is not None]
    if len(found) > 1:
        found = [reading for reading in found if _even(reading)]
        if len(found) != 1:
            year, example = texts[0][-4:], texts[0]
            raise GenbenchError(f"{name}: '{example}' may be day or month first; write dates as {year}-01-31")
    return found[0] if found else None


def _even(dates: pd.DatetimeIndex) -> bool:
    try:
        equal_steps(dates, "", str)
    except GenbenchError:
        return False
    return True


def equal_steps(dates: pd.DatetimeIndex | pd.PeriodIndex, name: str, place: Place) -> str:
    """Return the step and the ends of dates [n]: "of 1 month, from 1949-01 to 1960-12".

    Args:
        place: returns the place of the value with an index, as "line 17".

    Raises:
        GenbenchError: dates do not rise, or a step is longer than the others; the message names the place.
    """
    import pandas as pd

    if isinstance(dates, pd.PeriodIndex):
        dates = dates.to_timestamp()
    if len(dates) < 2:
        raise GenbenchError(f"{name}: a series needs more than one date; give more")
    if dates.hasnans:
        raise GenbenchError(f"{name}: {place(int(dates.isna().argmax()))}: no date; fill it in")
    if dates.tz is not None:
        dates = dates.tz_convert("UTC").tz_localize(None)
    seconds = dates.to_numpy(dtype="datetime64[ns]").astype(np.int64) / 1e9
    shown = [_shown(date, dates) for date in (dates[0], dates[-1])]
    if falls := np.flatnonzero(np.diff(seconds) <= 0).tolist():
        i = falls[0] + 1
        before, after = (_shown(dates[j], dates) for j in (i - 1, i))
        raise GenbenchError(f"{name}: {place(i)}: {after} follows {before}; sort by date, with one row for each")
    step, unit, differences = max(_axes(dates, seconds), key=lambda axis: float((axis[2] == axis[0]).mean()))
    if gaps := np.flatnonzero(differences != step).tolist():
        i = gaps[0] + 1
        before, after = (_shown(dates[j], dates) for j in (i - 1, i))
        remedy = "fill the gap, or cut out one stretch of equal steps" + "; hours are counted in UTC" * ("hour" in unit)
        raise GenbenchError(f"{name}: {place(i)}: {after} follows {before}, where steps are of {unit}; {remedy}")
    return f"of {unit}, from {shown[0]} to {shown[1]}"


def numbered_steps(times: Array, name: str, place: Place) -> str:
    """Return the step and the ends of numbers [n] that count time, as years do.

    Raises:
        GenbenchError: as for `equal_steps`.
    """
    differences = np.diff(times)
    step = float(np.median(differences))
    if step <= 0 or (bad := np.flatnonzero(np.abs(differences - step) > 1e-6 * abs(step)).tolist()):
        i = (bad if step > 0 else np.flatnonzero(differences <= 0).tolist())[0] + 1
        words = f"where steps are of {step:g}" if step > 0 else "and times must rise"
        raise GenbenchError(
            f"{name}: {place(i)}: {times[i]:g} follows {times[i - 1]:g}, {words}; fill the gap, or sort"
        )
    return f"of {step:g}, from {times[0]:g} to {times[-1]:g}"


def _axes(dates: pd.DatetimeIndex, seconds: Array) -> list[tuple[Any, str, NDArray[Any]]]:
    """Return the axes that dates may step along: the commonest step, in words, and all differences [n − 1]."""
    axes = [_axis(np.diff(seconds), _clock)]
    same_time = len(np.unique(seconds % 86_400)) == 1
    if same_time and (len(set(dates.day)) == 1 or dates.is_month_end.all()):
        axes.append(_axis(np.diff(np.asarray(dates.year * 12 + dates.month)), _calendar))
    if same_time and (dates.day_of_week < 5).all():
        days = dates.to_numpy(dtype="datetime64[D]")
        axes.append(_axis(np.busday_count(days[:-1], days[1:]), lambda n: f"{n} working day{'s' * (n > 1)}"))
    return axes


def _axis(differences: NDArray[Any], words: Callable[[Any], str]) -> tuple[Any, str, NDArray[Any]]:
    values, counts = np.unique(differences, return_counts=True)
    step = values[counts.argmax()]
    return step, words(step.item()), differences


def _clock(seconds: float) -> str:
    unit, size = next((u for u in UNITS if seconds % u[1] == 0), ("second", 1))
    return f"{seconds / size:g} {unit}{'s' * (seconds != size)}"


def _calendar(months: int) -> str:
    n, unit = (months // 12, "year") if months % 12 == 0 else (months, "month")
    return f"{n} {unit}{'s' * (n != 1)}"


def _shown(date: pd.Timestamp, dates: pd.DatetimeIndex) -> str:
    return str(date.date() if (dates == dates.normalize()).all() else date)

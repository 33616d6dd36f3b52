"""Recorded series: monthly airline passengers, yearly sunspots, and series of the user."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from genbench.contracts.dataset import register_dataset
from genbench.contracts.series import RecordedSeries
from genbench.core.errors import GenbenchError
from genbench.core.types import Array
from genbench.numerics.grid import resolution
from genbench.reading.decode import read_bytes
from genbench.reading.raw_table import table_path
from genbench.reading.series_file import is_dated_series, read_series

__all__ = ["Airline", "OwnSeries", "SeriesFile", "Sunspots"]

# Thousands of passengers a month, one row a year from 1949 to 1960: Box, Jenkins and Reinsel, "Time Series Analysis:
# Forecasting and Control", series G; after R. G. Brown, "Smoothing, Forecasting and Prediction of Discrete Time
# Series", 1963.
PASSENGERS = (
    (112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118),
    (115, 126, 141, 135, 125, 149, 170, 170, 158, 133, 114, 140),
    (145, 150, 178, 163, 172, 178, 199, 199, 184, 162, 146, 166),
    (171, 180, 193, 181, 183, 218, 230, 242, 209, 191, 172, 194),
    (196, 196, 236, 235, 229, 243, 264, 272, 237, 211, 180, 201),
    (204, 188, 235, 227, 234, 264, 302, 293, 259, 229, 203, 229),
    (242, 233, 267, 269, 270, 315, 364, 347, 312, 274, 237, 278),
    (284, 277, 317, 313, 318, 374, 413, 405, 355, 306, 271, 306),
    (315, 301, 356, 348, 355, 422, 465, 467, 404, 347, 305, 336),
    (340, 318, 362, 348, 363, 435, 491, 505, 404, 359, 310, 337),
    (360, 342, 406, 396, 420, 472, 548, 559, 463, 407, 362, 405),
    (417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432),
)


@register_dataset("airline", family="series", kind="series", source="Box and Jenkins 1970, series G; Brown 1963")
class Airline(RecordedSeries):
    """International airline passengers, in thousands per month from 1949 to 1960.

    The series has growth and a yearly season.

    Args:
        length: number of months of a window; 13 are a year and the month after it.
        dequantise: whether to add uniform noise of one thousand, so that counts have a density.
        log: whether to take logarithms, in which growth and season are added instead of multiplied.
    """

    def __init__(self, length: int = 13, dequantise: bool = True, log: bool = False) -> None:
        super().__init__(length, dequantise, log)

    def record(self) -> Array:
        return np.array(PASSENGERS, dtype=np.float64).ravel()


@register_dataset("sunspots", family="series", kind="series", source="SIDC Brussels, in statsmodels", variant=True)
class Sunspots(RecordedSeries):
    """Yearly mean sunspot numbers from 1700 to 2008; needs statsmodels.

    They have cycles of about eleven years.

    Args:
        length: number of years of a window; 12 are a cycle and the year after it.
        dequantise: whether to add uniform noise of a tenth, to which the numbers are rounded.

    Raises:
        GenbenchError: statsmodels is not installed.
    """

    def __init__(self, length: int = 12, dequantise: bool = True) -> None:
        super().__init__(length, dequantise)

    def record(self) -> Array:
        try:
            from statsmodels.datasets import sunspots
        except ImportError:
            raise GenbenchError(
                "sunspots ships with statsmodels, which is not installed; pip install 'genbench[series]'"
            ) from None
        return sunspots.load_pandas().data["SUNACTIVITY"].to_numpy(dtype=np.float64)

    def fingerprint(self) -> str:
        """Return the sum of the numbers, which changes if statsmodels corrects them."""
        return f"{self.record().sum():.1f}"


class OwnSeries(RecordedSeries):
    """A series of the user.

    A subclass sets `values` and `path` before it calls this constructor.

    Raises:
        GenbenchError: windows do not fit into the held-out fifth, all values are equal, or a value has no logarithm.
    """

    path: str
    values: Array

    def __init__(self, length: int, dequantise: bool, log: bool) -> None:
        super().__init__(length, dequantise, log)
        name, n = self.path, len(self.values)
        if length >= n // 5:
            remedy = f"give length={n // 5 - 1} or less" if n // 5 > 2 else "give a longer series"
            raise GenbenchError(
                f"{name}: windows of length={length} do not fit into the held-out fifth of {n}; {remedy}"
            )
        if np.ptp(self.values) == 0:
            raise GenbenchError(f"{name}: all {n} values are {self.values[0]:g}; give a series that varies")
        least = self.values.min() - dequantise * resolution(self.values[:, None])[0] / 2
        if log and least <= 0:
            words = ", or leave out the noise with dequantise=false" * bool(self.values.min() > 0)
            raise GenbenchError(
                f"{name}: the least value, {self.values.min():g}, is too small for log; leave it out{words}"
            )

    def record(self) -> Array:
        return self.values


SERIES_FILES = (".csv", ".tsv", ".txt", ".npy", ".npz", ".parquet", ".csv.gz", ".tsv.gz", ".txt.gz")


@register_dataset(
    "series_file", family="series", kind="series", source="a file of yours", variant=True, reads=SERIES_FILES
)
class SeriesFile(OwnSeries):
    """A series of your own: a file with a column of values and, perhaps, one of dates.

    The dates must have equal steps.

    Args:
        path: a text file, a NumPy file or a Parquet file.
        length: number of steps of a window: the past for a forecast, and the value after it.
        column: heading or number of the column of values, if it is not clear.
        time: heading or number of the column of dates, if it is not clear.
        dequantise: whether to add uniform noise of one step of the values' grid, so that rounded values have a density.
        log: whether to take logarithms, in which growth and season are added instead of multiplied.

    Raises:
        GenbenchError: the file cannot be read, a step or a value is missing, or the series is too short.
    """

    def __init__(
        self,
        path: str,
        length: int = 12,
        column: str | int | None = None,
        time: str | int | None = None,
        dequantise: bool = True,
        log: bool = False,
    ) -> None:
        self.path, self.column, self.time = path, column, time
        found = read_series(path, column, time)
        self.values, self.summary = found.values, found.summary
        super().__init__(length, dequantise, log)

    @classmethod
    def recognises(cls, file: Path) -> bool:
        """Return whether a file has just two columns, dates in rising order and values."""
        return is_dated_series(file)

    @property
    def notes(self) -> tuple[str, ...]:
        return (f"{self.summary}; csv[path=…] reads it as a table",)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file."""
        return hashlib.sha256(read_bytes(table_path(self.path))).hexdigest()

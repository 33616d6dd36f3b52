"""Recorded series: monthly airline passengers and yearly sunspots."""

from __future__ import annotations

import numpy as np

from genbench.contracts.dataset import register_dataset
from genbench.contracts.series import RecordedSeries
from genbench.core.errors import GenbenchError
from genbench.core.types import Array

__all__ = ["Airline", "Sunspots"]

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
    """International airline passengers, thousands a month from 1949 to 1960: growth and a yearly season.

    Args:
        length: months of a window; 13 are a year and the month after it.
        dequantise: add uniform noise of one thousand, so that counts have a density.
        log: take logarithms, in which growth and season are added up and not multiplied.
    """

    def __init__(self, length: int = 13, dequantise: bool = True, log: bool = False) -> None:
        super().__init__(length, dequantise, log)

    def record(self) -> Array:
        return np.array(PASSENGERS, dtype=np.float64).ravel()


@register_dataset("sunspots", family="series", kind="series", source="SIDC Brussels, in statsmodels", variant=True)
class Sunspots(RecordedSeries):
    """Yearly mean sunspot numbers from 1700 to 2008, cycles of about eleven years; needs statsmodels.

    Args:
        length: years of a window; 12 are a cycle and the year after it.
        dequantise: add uniform noise of a tenth, to which the numbers are rounded.

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
        """Return the sum of the numbers, which is another one if statsmodels corrects them."""
        return f"{self.record().sum():.1f}"

"""The contract of series, under the name by which plugins import it.

It is defined in `genbench.contracts.series`.
"""

from genbench.contracts.series import RecordedSeries, SeriesDataset, SyntheticSeries

__all__ = ["RecordedSeries", "SeriesDataset", "SyntheticSeries"]

"""The contract of series under the name by which plugins import it; it lives in `genbench.contracts.series`."""

from genbench.contracts.series import RecordedSeries, SeriesDataset, SyntheticSeries

__all__ = ["RecordedSeries", "SeriesDataset", "SyntheticSeries"]

import numpy as np
import pandas as pd
import pytest

from genbench.core.errors import GenbenchError
from genbench.reading.series_file import is_dated_series, read_series
from genbench.reading.time_axis import dates_of, equal_steps

RANGES = {
    "of 1 month": pd.date_range("2020-01-01", periods=30, freq="MS"),
    "of 1 month ": pd.date_range("2020-01-31", periods=30, freq="ME"),
    "of 3 months": pd.date_range("2020-01-01", periods=30, freq="QS"),
    "of 1 year": pd.date_range("1900-01-01", periods=100, freq="YS"),
    "of 1 day": pd.date_range("2020-02-20", periods=30),
    "of 7 days": pd.date_range("2020-02-20", periods=30, freq="7D"),
    "of 1 working day": pd.bdate_range("2020-02-20", periods=30),
    "of 1 hour": pd.date_range("2020-02-20", periods=30, freq="h"),
    "of 15 minutes": pd.date_range("2020-02-20", periods=30, freq="15min"),
}


@pytest.mark.parametrize("step", RANGES)
def test_steps_of_the_clock_the_calendar_and_working_days(step):
    dates = RANGES[step]
    assert equal_steps(dates, "t", str).startswith(f"{step.strip()}, from {str(dates[0])[:10]}")
    for i in (1, 10, 28):
        with pytest.raises(
            GenbenchError, match=f"t: line {i + 2}: .* follows .*, where steps are {step.strip()}; fill"
        ):
            equal_steps(dates.delete(i), "t", lambda i: f"line {i + 2}")
    with pytest.raises(GenbenchError, match="t: line 5: .* follows .*; sort by date"):
        equal_steps(dates[[0, 1, 2, 4, 3, 5]], "t", lambda i: f"line {i + 1}")
    with pytest.raises(GenbenchError, match="sort by date, with one row for each"):
        equal_steps(dates[[0, 1, 1, 2]], "t", str)


@pytest.mark.parametrize(
    ("form", "freq"),
    [
        ("%Y-%m-%d", "D"), ("%Y/%m/%d", "D"), ("%d.%m.%Y", "D"), ("%m/%d/%Y", "D"), ("%d/%m/%Y", "D"), ("%Y-%m", "MS"), ("%b %Y", "MS"),
        ("%Y-%m-%dT%H:%M:%SZ", "h"), ("%Y-%m-%d %H:%M", "h"), ("%d.%m.%Y %H:%M", "h"), ("%B %Y", "MS"),
    ],
)  # fmt: skip
def test_dates_are_read_as_they_are_written(form, freq):
    dates = pd.date_range("2020-01-01", periods=40, freq=freq)
    found = dates_of([date.strftime(form) for date in dates], "t")
    assert found is not None
    assert list(found) == list(dates)


def test_what_is_no_date_and_what_may_be_two():
    assert dates_of(["1", "2"], "t") is None
    assert dates_of(["2020-01-01", "soon"], "t") is None
    assert dates_of(["2020-13-01"], "t") is None
    assert dates_of(["20200131", "20200201"], "t") is None
    assert list(dates_of(["20200131", "20200201"], "t", compact=True).day) == [31, 1]
    assert list(dates_of(["2020Q1", "2020-Q2"], "t").month) == [1, 4]
    with pytest.raises(GenbenchError, match="'01/02/2020' may be day or month first; write dates as 2020-01-31"):
        dates_of([f"0{i}/0{i + 1}/2020" for i in range(1, 8)], "t")


@pytest.fixture
def sales(tmp_path):
    dates, values = pd.date_range("2020-01-01", periods=60), np.sin(np.arange(60.0))
    frame = pd.DataFrame({"date": dates.strftime("%Y-%m-%d"), "sales": values, "year": np.arange(1900, 1960)})

    def file(**how):
        columns, rows = how.get("columns", ["date", "sales"]), how.get("rows", range(60))
        frame.iloc[list(rows)].to_csv(tmp_path / "sales.csv", index=False, columns=columns, sep=how.get("sep", ","))
        return tmp_path / "sales.csv"

    return file, values


def test_a_series_is_read_with_its_time(sales):
    file, values = sales
    found = read_series(str(file()))
    np.testing.assert_array_equal(found.values, values)
    assert found.summary == (
        "a series of 60 values of 'sales', one a step of 1 day, from 2020-01-01 to 2020-02-29 (column 'date')"
    )
    np.testing.assert_array_equal(read_series(str(file(columns=["sales"]))).values, values)
    np.testing.assert_array_equal(read_series(str(file(columns=["sales", "date"], sep=";"))).values, values)
    years = read_series(str(file(columns=["year", "sales"])))
    assert "one a step of 1, from 1900 to 1959 (column 'year')" in years.summary
    all_three = str(file(columns=["date", "sales", "year"]))
    np.testing.assert_array_equal(read_series(all_three, column="sales", time="year").values, values)
    np.testing.assert_array_equal(read_series(all_three, column=3).values, np.arange(1900, 1960))
    with pytest.raises(
        GenbenchError, match=r"2 columns beside the time \('sales', 'year'\); name the values: column=sales"
    ):
        read_series(all_three)
    with pytest.raises(GenbenchError, match="cannot be both"):
        read_series(all_three, column="year", time="year")


def test_faults_of_a_series_are_named_by_place(sales, tmp_path):
    file, _ = sales
    gap = str(file(rows=[i for i in range(60) if i != 20]))
    with pytest.raises(GenbenchError, match="sales.csv: column 'date': line 22: 2020-01-22 follows 2020-01-20, where"):
        read_series(gap)
    with pytest.raises(GenbenchError, match="line 3: 2020-01-01 follows 2020-01-02; sort"):
        read_series(str(file(rows=[1, 0, 2])))
    text = file().read_text().splitlines()
    text[6] = text[6].partition(",")[0] + ","
    (tmp_path / "holes.csv").write_text("\n".join(text))
    with pytest.raises(GenbenchError, match="1 of 60 values are missing or infinite, the first in line 7"):
        read_series(str(tmp_path / "holes.csv"))
    np.savetxt(tmp_path / "two.csv", np.random.default_rng(0).normal(size=(50, 2)), delimiter=",")
    with pytest.raises(GenbenchError, match="if '1' is no time, give a file without it"):
        read_series(str(tmp_path / "two.csv"))


def test_a_series_is_recognised_by_dates_and_one_column(sales):
    file, _ = sales
    assert is_dated_series(file())
    assert is_dated_series(file(columns=["sales", "date"]))
    assert is_dated_series(file(rows=[0, 1, 5, 9])), "gaps are refused when it is read, and not read as a table"
    assert not is_dated_series(file(columns=["date", "sales", "year"]))
    assert not is_dated_series(file(columns=["sales"]))
    assert not is_dated_series(file(columns=["year", "sales"])), "two columns of numbers are a table"
    assert not is_dated_series(file(rows=[3, 1, 2])), "a table with a date"

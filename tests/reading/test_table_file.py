"""What is read of small files: columns, values, and what is said of them."""

import bz2
import gzip
import lzma

import numpy as np
import pandas as pd
import pytest

from genbench.core.errors import GenbenchError
from genbench.reading.table_file import read_table


@pytest.fixture
def written(tmp_path):
    """Return a function that writes a file and reads it as a table."""

    def read(content, name="table.csv", **options):
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_table(str(file), **options)

    return read


TABLE = [[1, 2], [3, 4]]
AS_WRITTEN = {  # text: columns, values, what is said
    "a,b\n1,2\n3,4\n": (["a", "b"], TABLE, "headings 'a', 'b'; separated by commas; 2 columns, 2 rows"),
    "1.5,2\n3,4\n": (["1", "2"], [[1.5, 2], [3, 4]], "no headings"),
    "a;b\n1;2\n3;4\n": (["a", "b"], TABLE, "semicolons"),
    "a\tb\n1\t2\n3\t4\n": (["a", "b"], TABLE, "tabs"),
    "a|b\n1|2\n3|4\n": (["a", "b"], TABLE, "vertical bars"),
    "  1.0   2.0\n 3.0  4.0\n": (["1", "2"], TABLE, "spaces"),
    "sep=;\na;b\n1,5;2\n3,5;4\n": (["a", "b"], [[1.5, 2], [3.5, 4]], "decimal comma"),
    "a , b\n 1 , 2 \n 3 , 4\n": (["a", "b"], TABLE, "commas"),
    "v\n0.5\n-1\n": (["v"], [[0.5], [-1]], "1 column, 2 rows"),
    # numbers
    "a;b\n0,001;-0,5\n3;4,25\n": (["a", "b"], [[0.001, -0.5], [3, 4.25]], "decimal comma"),
    "v\n0,5\n1,25\n3\n": (["v"], [[0.5], [1.25], [3]], "decimal comma"),
    "a;b\n1.234,5;1\n2.345.678,25;2\n": (["a", "b"], [[1234.5, 1], [2345678.25, 2]], "decimal comma"),
    "a;b\n1.234;0,5\n2.345;2,25\n": (["a", "b"], [[1234, 0.5], [2345, 2.25]], "decimal comma"),
    'a,b\n"1,234.5",1\n"12,345",2\n': (["a", "b"], [[1234.5, 1], [12345, 2]], ""),
    "a;b\n1,234;1\n345;2\n": (["a", "b"], [[1234, 1], [345, 2]], "1,234 read as thousands (decimal=comma"),
    "a;b\n1,234;1\n2,345;2\n": (["a", "b"], [[1.234, 1], [2.345, 2]], "1,234 has one; decimal=point reads thousands"),
    "a;b\n1\u202f234,5;2\n3 000,5;4\n": (["a", "b"], [[1234.5, 2], [3000.5, 4]], "decimal comma"),
    "a;b\n1'234.5;2\n3;4\n": (["a", "b"], [[1234.5, 2], [3, 4]], ""),
    "a,b\n1e3,2\n1.5E-3,\u22124\n": (["a", "b"], [[1000, 2], [0.0015, -4]], ""),
    "a,b\n1%,2\n3.5 %,4\n": (["a", "b"], [[1, 2], [3.5, 4]], "column 'a' read in percent"),
    "a,b\n0.30000000000000004,2\n2460311.64703,4\n": (["a", "b"], [[0.1 + 0.2, 2], [2460311.64703, 4]], ""),
    # headings
    '"a, x","b\nc"\n1,2\n3,4\n': (["a, x", "b c"], TABLE, "'a, x', 'b c'"),
    "# made in May\na,b\n1,2\n# pause\n3,4\n": (["a", "b"], TABLE, ""),
    "1.0 2.0\n3.0 4.0\n# the end\n": (["1", "2"], TABLE, "no headings"),
    "# a b\n1.0 2.0\n3.0 4.0\n": (["a", "b"], TABLE, "from a comment"),
    "a,a\n1,2\n3,4\n": (["a (1)", "a (2)"], TABLE, ""),
    # separators at the ends of lines, empty rows
    "a,b,\n1,2,\n3,4,\n": (["a", "b"], TABLE, "an empty last column left out"),
    "a,b\n1,2,\n3,4,\n": (["a", "b"], TABLE, "an empty last column left out"),
    "a,b,\n1,2\n3,4\n": (["a", "b"], TABLE, ""),
    "1,2,\n3,4,\n": (["1", "2"], TABLE, ""),
    "a,b\n1,2\n\n3,4\n,\n,\n": (["a", "b"], TABLE, "2 rows without any value left out"),
    "a,b\r\n1,2\r\n3,4\r\n": (["a", "b"], TABLE, ""),
    "a,b\r1,2\r3,4\r": (["a", "b"], TABLE, ""),
    # columns that number the rows
    ",a,b\n0,1.5,2\n1,3.5,4\n": (["a", "b"], [[1.5, 2], [3.5, 4]], "numbers the rows and is left out"),
    ",a,b\n7,1.5,2\n6,3.5,4\n": (["a", "b"], [[1.5, 2], [3.5, 4]], "numbers the rows"),
    ",0,1\n0,1.5,2\n1,3.5,4\n": (["0", "1"], [[1.5, 2], [3.5, 4]], "numbers the rows"),
    "id,a,b\n5,1.5,2\n6,3.5,4\n": (["a", "b"], [[1.5, 2], [3.5, 4]], "column 'id' numbers the rows"),
    "id,a\n5,1.5\n9,3.5\n": (["id", "a"], [[5, 1.5], [9, 3.5]], ""),
    '"a" "b"\n"1" 1.5 2\n"2" 3.5 4\n': (["a", "b"], [[1.5, 2], [3.5, 4]], "numbers the rows"),
    '"a" "b"\n"Fiat" 1.5 2\n"Ford" 3.5 4\n': (["a", "b"], [[1.5, 2], [3.5, 4]], "names the rows"),
    "0,1.5\n1,2.5\n2,0.5\n": (["2"], [[1.5], [2.5], [0.5]], "numbers the rows"),
    # other types
    "t,v\n2024-02-28,1\n2024-03-01,2\n": (["t", "v"], [[0, 1], [2, 2]], "'t' read as days since 2024-02-28"),
    "t,v\n2024-01-01 12:00:00,1\n2024-01-03 00:00:00,2\n": (["t", "v"], [[0, 1], [1.5, 2]], "2024-01-01 12:00:00"),
    "t,v\n2024-01-02T00:00:00+02:00,1\n2024-01-01T10:00:00Z,2\n": (["t", "v"], [[0.5, 1], [0, 2]], "10:00:00"),
    "t;v\n31.12.2023;0,5\n2.1.2024;2\n": (["t", "v"], [[0, 0.5], [2, 2]], "since 2023-12-31"),
    "t,v\n12/31/2023,1\n01/02/2024,2\n": (["t", "v"], [[0, 1], [2, 2]], "since 2023-12-31"),
    "f,v\nTrue,1\nFalse,2\n": (["f", "v"], [[1, 1], [0, 2]], "read as 0 for false and 1 for true"),
    "f,v\nyes,1\nNo,2\n": (["f", "v"], [[1, 1], [0, 2]], "0 for false or no"),
}  # fmt: skip


@pytest.mark.parametrize("text", AS_WRITTEN)
def test_text_is_read(written, text):
    columns, values, said = AS_WRITTEN[text]
    table = written(text)
    assert list(table.columns) == columns
    np.testing.assert_array_equal(table.values, np.array(values, dtype=np.float64))
    assert said in table.decisions
    assert "\n" not in table.decisions
    assert not table.cautions


FLOATS = "\n".join(f"50.{i:04d},49.{i * 7 % 100:04d},51.{i:03d}" for i in range(30))
WHOLE = "\n".join(f"{512 + 37 * i},{300 - 5 * i},{20 + i * i}" for i in range(30))
GRID = "\n".join(f"{i % 2},{i // 2 % 2}" for i in range(30))


@pytest.mark.parametrize(
    ("text", "headings", "said"),
    [
        (f"0,1,2\n{FLOATS}", ("0", "1", "2"), "header=false"),
        (f"1,2,3\n{FLOATS}", ("1", "2", "3"), "header=false"),
        (f"2019,2020,2021\n{FLOATS}", ("2019", "2020", "2021"), "header=false"),
        (f"400,410,480\n{FLOATS}", ("400", "410", "480"), "header=false"),  # wavelengths
        (f"0,1,2\n{WHOLE}", ("0", "1", "2"), "header=false"),
        (f"2019,2020,2021\n{WHOLE}", ("2019", "2020", "2021"), "header=false"),
        (f"0,1\n{GRID}", (), "header=true"),  # as good a row as any
        ("0,1,2\n" + "\n".join(f"{3 * i},{3 * i + 1},{3 * i + 2}" for i in range(1, 20)), (), "header=true"),
        ("2001,2002\n" + "\n".join(f"{2002 + i % 9},{2004 + i % 7}" for i in range(30)), (), "header=true"),
        (f"17,300,21\n{WHOLE}", (), "no headings;"),
        (FLOATS, (), "no headings;"),
    ],
)
def test_headings_that_are_numbers(written, text, headings, said):
    table = written(text)
    assert said in table.decisions
    assert table.columns == (headings or ("1", "2", "3")[: table.values.shape[1]])
    assert len(table.values) == text.count("\n") + (not headings)


def test_the_first_row_is_what_one_says_it_is(written):
    assert len(written(f"0,1,2\n{FLOATS}", header=False).values) == 31
    assert written(f"0,1\n{GRID}", header=True).values.shape == (30, 2)


def test_the_decimal_sign_is_what_one_says_it_is(written):
    text = "a;b\n1,234;1\n2,345;2\n"
    np.testing.assert_array_equal(written(text, decimal=".").values[:, 0], [1234, 2345])
    np.testing.assert_array_equal(written(text, decimal=",").values[:, 0], [1.234, 2.345])
    np.testing.assert_array_equal(written("4,5\n2,25\n").values, [[4, 5], [2, 25]])
    np.testing.assert_array_equal(written("4,5\n2,25\n", decimal=",").values, [[4.5], [2.25]])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "latin-1"])
def test_encodings(written, encoding):
    table = written("Größe;b\n1,5;2\n3;4\n".encode(encoding))
    assert table.columns == ("Größe", "b")
    np.testing.assert_array_equal(table.values, [[1.5, 2], [3, 4]])


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_text(written, pack):
    np.testing.assert_array_equal(written(pack(b"a,b\n1,2\n3,4\n"), "table.csv.gz").values, TABLE)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("index", [True, False])
def test_what_pandas_writes_is_read_to_the_bit(tmp_path, separator, decimal, index):
    if separator == decimal:
        decimal = "."
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "normal": rng.normal(size=40),
            "small": rng.normal(size=40) * 10.0 ** rng.integers(-12, 12, 40),
            "money, €": rng.lognormal(8, 2, 40).round(2),
            "ms": 1_764_422_400_000 + rng.integers(0, 10**6, 40),
            "count": rng.integers(0, 3, 40),
        }
    )
    frame.to_csv(tmp_path / "table.csv", sep=separator, decimal=decimal, index=index)
    table = read_table(str(tmp_path / "table.csv"))
    assert table.columns == tuple(frame.columns)
    np.testing.assert_array_equal(table.values, frame.to_numpy())


def test_labels_and_columns(written):
    text = "a,b,kind,site\n" + "\n".join(f"{i * i},{i},{'yxz'[i % 3]},{10 - i % 2}" for i in range(9))
    table = written(text, label="kind")
    assert (table.columns, table.classes) == (("a", "b", "site"), ("x", "y", "z"))
    np.testing.assert_array_equal(table.labels, [1, 0, 2] * 3)
    assert "column 'kind' is the class (x is 0, y is 1, z is 2)" in table.decisions
    table = written(text, label=4, columns="b")
    assert (table.columns, table.classes) == (("b",), ("9", "10"))  # sorted as numbers
    np.testing.assert_array_equal(table.labels, [1, 0] * 4 + [1])
    assert written(text, label="kind", drop=["site", 1]).columns == ("b",)
    assert written(text, columns=[2, "a"]).columns == ("b", "a")
    assert written("2,1\n" + "\n".join(f"{i}.5,{i * i}.25" for i in range(9)), columns=2).columns == ("2",)


def test_whole_numbers_that_float64_cannot_hold(written):
    table = written(f"a,b\n{2**53 + 1},1\n{2**53},2\n")
    assert table.cautions == ("column 'a' holds whole numbers beyond 2^53, which are not kept to the last digit",)
    assert written(f"a,b\n{2**70 + 1},1\n5,2\n").cautions
    assert not written(f"a,b\n{2**53},1\n{2**60},2\n").cautions
    assert not written(f"a,b\n{'0' * 5_000}{2**60},1\n-{2**60},2\n").cautions
    with pytest.raises(GenbenchError, match="1 of 2 rows hold infinite values"):
        written("a,b\n" + "9" * 400 + ",1\n5,2\n")


def test_numpy_files(tmp_path):
    x = np.random.default_rng(0).normal(size=(12, 2))
    np.save(tmp_path / "x.npy", x)
    np.testing.assert_array_equal(read_table(str(tmp_path / "x.npy")).values, x)
    np.savez(tmp_path / "x.npz", points=x, kind=np.array(["b", "a"] * 6))
    table = read_table(str(tmp_path / "x.npz"), label="kind")
    np.testing.assert_array_equal(table.values, x)
    np.testing.assert_array_equal(table.labels, [1, 0] * 6)
    np.savez_compressed(tmp_path / "x.npz", u=x[:, 0], v=np.arange(12) % 5)
    table = read_table(str(tmp_path / "x.npz"))
    assert table.columns == ("u", "v")
    np.testing.assert_array_equal(table.values, np.column_stack([x[:, 0], np.arange(12) % 5]))
    np.save(tmp_path / "x.npy", np.array([(1.5, 2), (0.25, 7)], dtype=[("u", "f4"), ("n", "i2")]))
    table = read_table(str(tmp_path / "x.npy"))
    assert (table.columns, table.values.tolist()) == (("u", "n"), [[1.5, 2], [0.25, 7]])


def test_parquet(tmp_path, monkeypatch):
    frame = pd.DataFrame({"t": pd.to_datetime(["2024-01-01", "2024-01-04"]), "n": pd.array([1, 2], dtype="Int64")})
    frame["kind"] = pd.Categorical(["b", "a"])
    file = tmp_path / "table.parquet"
    file.write_bytes(b"PAR1 as pyarrow would read it")
    monkeypatch.setattr(pd, "read_parquet", lambda _: frame)
    table = read_table(str(file), drop="kind")
    assert (table.columns, table.values.tolist()) == (("t", "n"), [[0, 1], [3, 2]])
    assert "column 't' read as days since 2024-01-01" in table.decisions

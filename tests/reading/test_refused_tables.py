"""What cannot be read as a table is refused in one line that names the file, the place and the remedy."""

import gzip

import numpy as np
import pandas as pd
import pytest

from genbench.core.errors import GenbenchError
from genbench.reading.table_file import read_table

TEXTS = {
    "height,weight\n165.4,61.4,33\n158,66,41\n": "line 2: 3 cells, 2 headings in line 1 .*'height', 'weight'",
    "a,b,c,d\n1,2,3\n4,5,6\n": "line 2: 3 cells, 4 headings in line 1",
    "Report 2024\n\na;b\n1;2\n3;4\n": "line 3: 2 cells, 1 heading in line 1",
    "a,b\n1,2\n3,4,5\n6,7\n": "line 3: 3 cells, where line 2 has 2",
    "a,b,c\n1,2,3\n# half\n4,5\n6,7,8\n": "line 4: 2 cells, where line 2 has 3",
    '"a\nb",c\n1,2\n3,4\n5,6,7\n': "line 5: 3 cells, where line 3 has 2",
    "a,b\n1,2\n3,red\n": "column 'b' is not numeric \\(line 3 holds 'red'\\); drop=b leaves it out, label=b makes",
    '"my b",a\nx,1\ny,2\n': 'drop="my b" leaves it out',
    "a,b\n1,2\nNA,3\n4,?\n": "2 of 3 rows hold NaN or missing values \\(first line 3, column 'a': 'NA'\\)",
    "a,b\n1,2\n3,\n4,5\n": "1 of 3 rows hold NaN or missing values \\(first line 3, column 'b'\\)",
    "a,b,c\n1,,2\n3,,4\n": "column 'b' holds no values; drop=b leaves it out",
    "a,b\n1,2\n-,3\n4,5\n": "1 of 3 rows .*'-'",
    "v\n0.5\n\n3\n": "line 3: blank",
    "a,b\n1,2\n3,-inf\n": "1 of 2 rows hold infinite values \\(first line 3, column 'b': '-inf'\\)",
    "a,b\n1,2\n1e999,4\n": "1 of 2 rows hold infinite values \\(first line 3, column 'a': '1e999'\\)",
    "a;b\n0,5;0.25\n1,5;0.75\n2,5;7\n": "line 2: '0.25' in column 'b' has a decimal point, where other numbers have a comma",
    "t,v\n01/02/2024,1\n03/04/2024,2\n": "01/02/2024, whose day and month cannot be distinguished; write 2024-12-31",
    "t,v\n12:00:00,1\n13:00:00,2\n": "column 't' is not numeric",
    "a,b\n12_000,1\n0x1F,2\n": "column 'a' is not numeric",
    'a,b\n1,"2\n3,4\n': "line 2: a quote is opened and not closed",
    "a,b\n": "no rows",
    "": "is empty",
    "\n \n# nothing\n": "is empty",
    "\u0000\u0001\u0002binary": "is not a text file",
}


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_refused(tmp_path, text):
    file = tmp_path / "table.csv"
    file.write_text(text)
    with pytest.raises(GenbenchError, match=TEXTS[text]) as raised:
        read_table(str(file))
    assert str(raised.value).startswith(f"{file}: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": "colour"}, "no column 'colour'"),
        ({"columns": ["a", 9]}, "no column '9'"),
        ({"label": "a", "columns": "b"}, "line 2: label 'a' is 0.5; classes are words or whole numbers"),
        ({"label": "b", "columns": "a"}, "label 'b' has 12 classes in 12 rows"),
        ({"label": "one", "columns": "a"}, "label 'one' has 1 classes"),
        ({"label": "kind", "drop": "kind"}, "column 'kind' cannot be the label"),
        ({"label": "kind", "columns": "a"}, "line 13: label 'kind' is missing, as in 1 of 12 rows"),
        ({"drop": ["a", "b", "kind", "one"]}, "no column is left"),
    ],
)
def test_columns_that_cannot_be(tmp_path, options, message):
    file = tmp_path / "table.csv"
    rows = [f"{i}.5,{i * i},{'xy'[i % 2] if i < 11 else ''},1" for i in range(12)]
    file.write_text("a,b,kind,one\n" + "\n".join(rows))
    with pytest.raises(GenbenchError, match=message):
        read_table(str(file), **options)


def test_paths_that_cannot_be_read(tmp_path, monkeypatch):
    for path, message in [
        ("~nosuchuser/x.csv", "no such home folder"),
        (str(tmp_path), "is a folder"),
        (str(tmp_path / "x.csv"), "no file"),
        ("x\0.csv", "cannot be read|no file"),
    ]:
        with pytest.raises(GenbenchError, match=message) as raised:
            read_table(path)
        assert "\n" not in str(raised.value)
    file = tmp_path / "x.csv"
    file.write_text("a,b\n1,2\n")

    def forbidden(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(file), "read_bytes", forbidden)
    with pytest.raises(GenbenchError, match="Permission denied"):
        read_table(str(file))


def test_files_that_are_not_what_they_seem(tmp_path):
    def refused(content, name, message):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(GenbenchError, match=message):
            read_table(str(tmp_path / name))

    refused(gzip.compress(b"a,b\n1,2\n" * 99)[:-9], "cut.gz", "cannot be unpacked")
    refused(b"a,b\n1,2\n", "text.npy", r"not a numeric \.npy file")
    refused(b"\x93NUMPY\x01\x00", "cut.npy", r"not a numeric \.npy file")
    refused(b"PK\x03\x04 cut", "book.csv", r"not a numeric \.npz file")
    refused(b"\x89PNG\r\n\x1a\n\x00\x00", "image.csv", "is not a text file")


def test_arrays_that_are_no_table(tmp_path):
    x = np.zeros((12, 2))
    for arrays, message in [
        ({"train": x, "test": x}, r"more than one table \(train \[12, 2\], test \[12, 2\]\)"),
        ({"x": x, "y": np.zeros(11)}, "arrays of different lengths"),
        ({"x": x + 1j}, "'x' holds values of type complex128"),
        ({"x": x[None]}, "shape"),
    ]:
        np.savez(tmp_path / "x.npz", **arrays)
        with pytest.raises(GenbenchError, match=message):
            read_table(str(tmp_path / "x.npz"))


def test_parquet_without_its_library(tmp_path, monkeypatch):
    def missing(_):
        raise ImportError

    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr(pd, "read_parquet", missing)
    with pytest.raises(GenbenchError, match="pip install pyarrow"):
        read_table(str(tmp_path / "x.parquet"))

"""Tables on consoles of any width and encoding: nothing is cut away, and columns stay aligned."""

import io

import pytest
from rich.markup import escape

from genbench.core.console import as_shown
from genbench.display import rich_tables
from genbench.display.rich_tables import empty_table

HEADINGS = ("model", "seeds", "sliced W2", "× oracle", "KL", "what it is")
LONG = "cfm[hidden=96,depth=4,frequencies=3,lr=0.003,batch_size=512,steps=40,source=moons,ema=0.999]"
ROWS = [
    ("oracle", "3", "0.0049 ± 0.0003", "1.00", "0", "draws from the truth itself, the floor of every score"),
    ("gaussian", "3", "0.1650 ± 0.0029", "34.06", "1.5906 ± 0.0089", "one Gaussian"),
]


def printed(width, rows=ROWS, encoding="utf-8", **options):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    table = empty_table(HEADINGS, title="moons", left=("model",), wrapped=("what it is",), **options)
    for row in rows:
        table.add_row(*row)
    rich_tables._Console(width=width, file=file, highlight=False).print(table)
    file.flush()
    return file.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [40, 60, 80, 160])
def test_a_narrow_console_gets_several_tables_with_every_number(width):
    text = printed(width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for row in ROWS:
        assert all(cell in text for cell in row[1:5])
    parts = text.count("┏")
    assert (parts == 1) == (width == 160)
    assert text.count("gaussian") == text.count("model") == parts, "each part says which model a row is"


def test_two_columns_may_say_what_a_row_is_about():
    assert printed(40, keys=2).count("seeds") == printed(40, keys=2).count("┏") > 1


@pytest.mark.parametrize("width", [42, 52, 60, 80])
def test_a_quotient_stands_beside_the_score_that_it_belongs_to(width):
    """The quotients are the fourth column, the scores the third."""
    parts = printed(width, belongs=(3,)).split("┏")[1:]
    assert len(parts) > 1
    (part,) = [part for part in parts if "× oracle" in part]
    assert "sliced W2" in part
    assert "0.1650 ± 0.0029" in part


def test_a_group_wider_than_the_console_is_parted_and_each_part_has_its_first_column():
    text = printed(52, belongs=(3, 4))
    parts = [part for part in text.split("┏")[1:] if "× oracle" in part or " KL " in part]
    assert len(parts) == 2
    assert all("sliced W2" in part.partition("┡")[0] for part in parts)


def test_a_column_that_stands_alone_is_named_after_the_one_it_belongs_to():
    text = printed(40, belongs=(3, 4))
    assert " ".join(text.split()).count("moons (continued, of sliced W2)") == 2
    assert all(cell in text for row in ROWS for cell in row[1:5])


def test_each_part_has_the_title():
    text = printed(60)
    assert text.count("moons (continued)") == text.count("┏") - 1 > 0


def test_a_name_longer_than_the_console_is_folded():
    text = printed(40, rows=[(escape(LONG), *ROWS[0][1:])])
    assert "…" not in text
    letters = "".join(line.split("│")[1].strip() for line in text.partition("┏")[2].splitlines() if "│" in line)
    assert LONG in letters


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_columns_are_aligned_by_the_signs_that_are_shown(encoding):
    lines = [line.rstrip() for line in printed(160, encoding=encoding).splitlines()]
    assert len({len(line) for line in lines if line.startswith(("|", "+"))}) == 1
    assert any(as_shown("1.5906 ± 0.0089", encoding) in line for line in lines)

"""Names that a stranger chose, in files that other programs open."""

import csv
import io
import re

import pandas as pd
import pytest

from genbench.analysis.leaderboard import Leaderboard
from genbench.core.selection import Selection
from genbench.display.export import render
from genbench.display.inert_text import csv_text, latex_comment, latex_text, markdown_text
from genbench.storage.evaluation import Flag
from trial_records import record, spec

HOSTILE = (
    "=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\\input{/etc/passwd}", "\\write18{id}", "a\n\\input{x}", "a\r\\input{x}",
    "<script>alert(1)</script>", "a|b", "a\\|b", "![x](http://evil/x.png)", "[x](javascript:alert(1))", "$x$", "a^b~c", "\x1b]0;title\x07",
    "&lt;b&gt;", "50 % & more_#", "[1] b", "\x85\\input{x}", "\u2028\\input{x}", "\udce9",
)  # fmt: skip


def board(name):
    def trial(model, dataset, seed):
        one = spec(model=model, dataset=dataset, seed=seed)
        flags = [Flag(text=f"seen {name}")] if model == name else []
        return record(one, family=name, metrics={"w2": 0.1 + seed, name: 1.0}, flags=flags)

    return Leaderboard.of([trial(model, name, seed) for model in ("honest", name) for seed in range(2)])


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_no_cell_of_a_csv_file_is_computed_or_moves_a_cursor(name):
    text = render(board(name), "csv")
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == 3
    for cell in (cell for row in rows for cell in row):
        assert not cell.startswith(("=", "+", "@", "\t", "\r"))
        if cell.startswith("-"):
            float(cell)
    assert not re.search(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]", text)


def test_numbers_of_a_csv_file_stay_numbers():
    frame = pd.DataFrame({"=a": [-1.5, 2.0], "b": ["-1.5", "fine"], "n": [-3, 4], "none": [None, -2.5]})
    assert csv_text(frame).splitlines() == ["'=a,b,n,none", "-1.5,'-1.5,-3,", "2.0,fine,4,-2.5"]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_latex_shows_every_name_and_executes_none(name):
    text = render(board(name), "tex")
    for line in text.splitlines():
        if not line.startswith("%"):
            assert not re.search(r"\\(input|write|include|openin|catcode)", line)
            assert line.count("{") == line.count("}")
            assert not line.startswith(("[", "*"))
    lines = [len(re.split(r"[\n\r\x0b\x0c\x85\u2028]", each.strip())) for each in (text, render(board("plain"), "tex"))]
    assert lines[0] == lines[1], "a name has begun a line of its own"


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_markdown_has_no_html_no_link_and_as_many_cells_as_columns(name):
    text = render(board(name), "md")
    assert not re.search(r"<(?!br>)", text)
    assert not re.search(r"(?<!\\)\]\(", text)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    cells = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows}
    assert len(cells) == 1
    assert len(rows) == 4


def test_honest_names_are_written_as_they_are():
    for name in (
        "vae[latent_dim=4]",
        "gaussian_mixture[dim=16]",
        "0.1 ± 0.2",
        "two words",
        "−1.5",
        'csv[path="a, b.csv"]',
    ):
        assert markdown_text(name) == name
        assert csv_text(pd.DataFrame({"x": [name]})).splitlines()[1].strip('"').replace('""', '"') == name
    assert latex_text("vae[latent_dim=4] ± 5 %") == r"vae[latent\_dim=4] $\pm$ 5 \%"


def test_a_parameter_that_is_a_mapping_breaks_no_table():
    label = str(Selection("gan", {"lr": {"generator": 1e-3, "critic": [1, 2]}}))
    assert label == 'gan[lr={"generator":0.001,"critic":[1,2]}]'
    assert latex_text(label) == r'gan[lr=\{"generator":0.001,"critic":[1,2]\}]'
    assert markdown_text(label) == label
    assert latex_comment("a\nb") == "% a b"

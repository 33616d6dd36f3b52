"""A table of a paper, as `genbench leaderboard --format tex` writes it."""

import re

import pytest

from genbench.analysis.leaderboard import Leaderboard
from genbench.core.errors import GenbenchError
from genbench.display.chosen_columns import named_columns
from genbench.display.export import render
from genbench.storage.evaluation import Flag
from trial_records import record, spec

LEVELS = {"lead": 0.1, "near": 0.1004, "far_2": 0.9, "control": 0.5, "oracle": 0.05}
ROLES = {"control": "control", "oracle": "oracle"}


@pytest.fixture
def board():
    trials = [
        record(
            spec(model=model, model_name=model, dataset="d", seed=seed), role=ROLES.get(model, "model"), family="one family",
            likelihood="bound" if model == "far_2" else "exact", cost={"nfe": 40, "train_seconds": 2.5},
            flags=[Flag(metric="kl", text="odd")] if model == "far_2" else [],
            metrics={"sliced_w2": level + 0.001 * seed, "kl": 0.02 + 0.001 * seed, "precision": 0.9},
        )
        for model, level in LEVELS.items()
        for seed in range(3)
    ]  # fmt: skip
    return Leaderboard.of(trials, "sliced_w2")


def rows(tex):
    """Return the lines of a table between its rules, as lists of cells, by block."""
    body = tex.partition(r"\toprule")[2].partition(r"\bottomrule")[0]
    blocks = [[line.removesuffix(r" \\") for line in block.strip().splitlines()] for block in body.split(r"\midrule")]
    return [[line.split(" & ") for line in block] for block in blocks]


def test_it_is_a_table_with_caption_label_arrows_and_units(board):
    tex = render(board, "tex", ["sliced_w2", "kl", "precision"])
    (heading,), models, others = rows(tex)
    assert heading == [
        "model",
        r"sliced W2 (data units) $\downarrow$",
        r"KL (nats) $\downarrow$",
        r"precision $\uparrow$",
    ]
    assert [row[0] for row in models] == ["lead", "near", r"far\_2$^{!}$"]
    assert [row[0] for row in others] == ["control", "oracle"], "what does not compete is below, the oracle last"
    assert models[0][1] == r"\textbf{0.1010 $\pm$ 0.0025}"
    assert models[1][1].startswith(r"\underline{")
    assert models[2][2].startswith(r"$\leq$ ")
    for environment in ("table", "tabular"):
        assert tex.count(rf"\begin{{{environment}}}") == tex.count(rf"\end{{{environment}}}") == 1
    assert r"\begin{tabular}{lrrr}" in tex
    assert r"\label{tab:d}" in tex
    (caption,) = re.findall(r"\\caption\{(.*)\}\n", tex)
    for words in (
        "d: mean $\\pm$ half-width of the 95 \\% interval over seeds.", r"\textbf{Bold} leads; \underline{underlined} as good",
        "$^{?}$ open: may be the best", "Likelihoods: $\\leq$ an upper bound", "The oracle draws as many samples from the truth itself.",
        "An exclamation mark",
    ):  # fmt: skip
        assert words in caption, words


def test_columns_are_those_that_are_named_in_their_order(board):
    (heading,), models, _ = rows(render(board, "tex", ["nfe", "kl", "worse_by", "train_seconds"]))
    assert heading == ["model", "NFE", r"KL (nats) $\downarrow$", "train s"]
    assert models[0][1:] == ["40", r"\textbf{0.0210 $\pm$ 0.0025}", "2.5"]
    with_verdicts = rows(render(board, "tex", ["sliced_w2", "worse_by"]))[1]
    assert with_verdicts[0][2] == "leads"
    assert r"\begin{tabular}{lrl}" in render(board, "tex", ["kl", "family"])


def test_rows_are_those_that_are_named_and_the_marks_stay(board):
    few = board.only("far_2,near,oracle")
    _, models, others = rows(render(few, "tex", ["sliced_w2"]))
    assert [row[0] for row in models] == ["near", r"far\_2$^{!}$"]
    assert [row[0] for row in others] == ["oracle"]
    assert models[0][1].startswith(r"\underline{")
    (caption,) = re.findall(r"\\caption\{(.*)\}\n", render(few, "tex"))
    assert "2 rows of this run are not shown; marks compare all." in caption
    assert "2 rows of this run are not shown" in render(few, "md")
    assert [row["model"] for row in few.records()] == ["oracle", "near", "far_2"]
    assert board.only("one-family").left_out == 0
    with pytest.raises(GenbenchError, match="no model 'nera' in this run; did you mean near"):
        board.only("nera")


@pytest.mark.parametrize(
    ("places", "text"), [(1, r"0.9 $\pm$ 0.1"), (2, r"0.90 $\pm$ 0.01"), (4, r"0.9010 $\pm$ 0.0025")]
)
def test_precision_is_a_number_of_decimals(board, places, text):
    cells = {row[0]: row[1] for row in rows(render(board, "tex", ["sliced_w2"], places))[1]}
    assert cells[r"far\_2$^{!}$"] == text
    assert text.replace(r"$\pm$", "±") in render(board, "md", ["sliced_w2"], places)


def test_markdown_csv_and_json_have_the_columns_that_are_named(board):
    header = next(line for line in render(board, "md", ["kl", "nfe"]).splitlines() if line.startswith("| model"))
    assert header == "| model | KL | NFE |"
    names = render(board, "csv", ["kl", "nfe"]).splitlines()[0].split(",")
    assert "kl_mean" in names
    assert "nfe" in names
    assert not any(name.startswith(("sliced_w2", "precision")) for name in names)
    assert '"precision"' not in render(board, "json", ["kl"])


def test_columns_of_a_text(board):
    assert named_columns(board, "main") == "main"
    assert named_columns(board, "all") == "scored"
    assert named_columns(board, "kl, nfe,kl") == ["kl", "nfe"]
    with pytest.raises(GenbenchError, match="no metric 'kk' in this run"):
        named_columns(board, "kk")
    with pytest.raises(GenbenchError, match="the list of columns is empty"):
        named_columns(board, " , ")

"""Verdicts in words, the same in every format."""

import json
from pathlib import Path

import pytest

import genbench
from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.scores import Cell, card_of
from genbench.cli.leaderboard import leaderboard
from genbench.core.errors import GenbenchError
from genbench.display.export import render
from genbench.display.notebook import board_html
from genbench.display.table_view import board_view
from genbench.display.terminal import show
from genbench.display.verdicts import margin_line, worse_by, worse_by_key
from trial_records import record, spec
from verdict_boards import GOOD, LEADS, OPEN, WORSE, board_of, judged, row


def cell(verdict, low, high, scale="quotient"):
    return Cell(1.0, None, None, verdict=verdict, worse_by=(low, high), scale=scale)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (cell("best", 0.3, 2.2), "leads"),
        (cell("worse", 1.7145, 11.7696), "1.7–11.8 ×"),
        (cell("worse", 1.0, 5.8177), "1.0–5.9 ×"),
        (cell("worse", 1.0139, 1.0448), "1.013–1.045 ×"),
        (cell("worse", 1.5, None), "1.5 × or more"),
        (cell("open", 0.4, 3.1), "up to 3.1 ×"),
        (cell("open", 0.4, 3.1219), "up to 3.2 ×"),
        (cell("open", 0.4, None), "not known"),
        (cell("as good", 0.6, 1.2), "within 1.20 ×"),
        (cell("as good", 0.6, 1.2497), "within 1.25 ×"),
        (cell("worse", 0.006, 0.012, "difference"), "+0.006 to +0.012"),
        (cell("worse", 0.0, 0.0023, "difference"), "+0.0000 to +0.0023"),
        (cell("worse", 0.0134, None, "difference"), "+0.01 or more"),
        (cell("open", -0.2, 0.0311, "difference"), "up to +0.032"),
        (cell("as good", -0.2, 0.0032, "difference"), "within 0.0032"),
        (cell("as good", -0.2, 1.7e-9, "difference"), "within 1.7e-9"),
        (cell("open", 0.0, 2.3e9), "up to 2.3e9 ×"),
        (Cell(float("inf"), None, None, verdict="worse"), "∞"),
        (Cell(1.0, None, None), ""),
    ],
)
def test_how_much_worse_is_rounded_outwards(found, text):
    assert worse_by(found) == text


def test_the_column_is_sorted_by_the_upper_end_with_the_leader_first():
    lost = Cell(float("inf"), None, None, verdict="worse")
    order = [cell("best", 0.3, 9.0), cell("as good", 0.9, 1.1), cell("open", 0.5, 3.0), cell("worse", 2.0, 4.0), lost]
    keys = [worse_by_key(one) for one in order]
    assert keys == sorted(keys)
    assert worse_by_key(Cell(1.0, None, None)) is None


def test_the_margin_is_told_in_words():
    def line(margin, scale="quotient", metric="w2"):
        return margin_line([judged({"a": LEADS, "b": OPEN}, margin=margin, scale=scale, metric=metric)[0]])

    assert line(1.1) == "As good means at most 10 % worse than the best."
    assert line(1.0834) == "As good means at most 8.3 % worse than the best."
    assert line(0.002, "difference", "nll") == "As good means within 0.002 nats of the best."
    assert "KL has no margin of its own" in line(None, "difference", "kl")
    assert margin_line([]) == ""


@pytest.fixture
def board():
    control = row("oracle", 0.5, role="oracle")
    return board_of(judged({"lead": LEADS, "near": GOOD, "far": OPEN, "last": WORSE}, margin=1.1), others=[control])


def test_each_verdict_has_a_sign_of_its_own_in_markdown(board):
    lines = render(board, "md").splitlines()
    cells = {line.split("|")[1].strip(): [c.strip() for c in line.split("|")[3:5]] for line in lines if "|" in line}
    assert cells["model"] == ["W2", "worse by"]
    assert cells["lead"] == ["**1.00**", "leads"]
    assert cells["near"] == ["*1.00*", "within 1.084 ×"]
    assert cells["far"] == ["1.00 ?", "up to 3.2 ×"]
    assert cells["last"] == ["1.00", "1.7–11.8 ×"]
    assert cells["oracle"] == ["0.500", ""]
    told = "On d after 10 s, lead leads in W2; three of four models may be the best; near is as good; "
    assert any(line.startswith(told) for line in lines)
    assert "As good means at most 10 % worse than the best." in lines
    (legend,) = [line for line in lines if "Hsu 1984" in line]
    assert legend.startswith("**Bold** leads; *italics* as good: shown to be within the margin; **?** open: may be")
    assert "95 % jointly over the models of a table; controls do not compete." in legend


def test_each_verdict_has_a_sign_of_its_own_in_latex(board):
    tex = render(board, "tex")
    assert r"lead & \textbf{1.00} & leads \\" in tex
    assert r"near & \underline{1.00} & within 1.084 $\times$ \\" in tex
    assert r"far & 1.00$^{?}$ & up to 3.2 $\times$ \\" in tex
    assert r"last & 1.00 & 1.7--11.8 $\times$ \\" in tex
    assert r"\textbf{Bold} leads; \underline{underlined} as good: shown to be within the margin; $^{?}$ open" in tex


def test_each_verdict_has_a_sign_of_its_own_on_the_terminal(board, capsys):
    show(board)
    text = capsys.readouterr().out
    lines = [line.split("│") for line in text.partition("d: cost")[0].splitlines() if "│" in line]
    cells = {line[1].strip(): [cell.strip() for cell in line[3:5]] for line in lines}
    assert [cells[name] for name in ("lead", "near", "far", "last")] == [
        ["1.00 *", "leads"], ["1.00 =", "within 1.084 ×"], ["1.00 ?", "up to 3.2 ×"], ["1.00", "1.7–11.8 ×"],
    ]  # fmt: skip
    words = " ".join(text.split())
    assert "three of four models may be the best; near is as good; last is at least 1.7 times worse" in words
    assert (
        "* leads; = as good: shown to be within the margin; ? open: may be the best, may be worse; no mark: worse"
        in words
    )


def test_each_verdict_has_a_sign_of_its_own_in_a_notebook(board):
    html = board_html(board)
    assert "<b>1.00</b>" in html
    assert "<i>1.00</i> <small>=</small>" in html
    assert "1.00 <span title='open: may be the best, may be worse'" in html
    assert "up to 3.2 ×" in html
    assert "three of four models may be the best" in html
    assert "As good means at most 10 % worse" in html


def test_verdicts_stand_directly_behind_the_score_that_the_table_is_sorted_by():
    made = [record(spec(model=m, seed=s), metrics={"w2": 1.0 + i + 0.01 * s, "kl": 2.0 - i + 0.01 * s})
            for i, m in enumerate("ab") for s in range(3)]  # fmt: skip
    for sort in ("w2", "kl"):
        (table,) = board_view(Leaderboard.of(made, sort)).tables
        names = [column.name for column in table.select("model", "score", "verdict").columns]
        assert names[names.index(sort) + 1] == "worse_by"
        assert names.count("worse_by") == 1
    (table,) = board_view(Leaderboard.of(made, "w2"), ["kl"]).tables
    assert "worse_by" not in [column.name for column in table.columns], "its score is not shown"
    (table,) = board_view(Leaderboard.of(made[:1] + made[3:4], "w2")).tables
    assert "worse_by" not in [column.name for column in table.columns], "one seed has no verdicts"


def test_files_hold_the_verdicts(board):
    rows = {one["model"]: one["metrics"]["w2"] for one in json.loads(render(board, "json"), parse_constant=pytest.fail)}
    assert {name: (one["verdict"], one["best"], one["tie"]) for name, one in rows.items()} == {
        "lead": ("best", True, False), "near": ("as good", True, True), "far": ("open", False, False),
        "last": ("worse", False, False), "oracle": (None, False, False),
    }  # fmt: skip
    assert rows["last"]["worse_by"] == pytest.approx([1.7145, 11.7696])
    assert rows["last"]["scale"] == "quotient"
    assert rows["oracle"]["worse_by"] is None
    frame = board.frame().set_index("model")
    assert frame.loc["last", "w2_verdict"] == "worse"
    assert frame.loc["last", ["w2_worse_by_low", "w2_worse_by_high"]].to_list() == pytest.approx([1.7145, 11.7696])


def test_an_interval_without_an_end_is_null_in_json():
    made = [record(spec(model=m, seed=s), metrics={"w2": v}) for m, v in (("a", 1.0), ("b", 2.0)) for s in range(3)]
    rows = json.loads(render(Leaderboard.of(made), "json"), parse_constant=pytest.fail)
    assert {one["model"]: one["metrics"]["w2"]["worse_by"][1] for one in rows} == {"a": None, "b": None}


MOONS = Path(__file__).parents[2] / "results" / "reference" / "moons-quick"


def test_a_margin_of_the_command_decides_and_is_told(capsys):
    leaderboard(MOONS, sort="w2", margin="10%,0.002")
    text = " ".join(capsys.readouterr().out.split())
    assert "As good means at most 10 % worse than the best." in text
    assert "nine of ten models may be the best; vae is worse" in text, "none is shown to be within 10 %"
    leaderboard(MOONS, sort="kl", margin="10%,0.02")
    text = " ".join(capsys.readouterr().out.split())
    assert "As good means within 0.02 nats of the best." in text
    with pytest.raises(GenbenchError, match="margin '5 percent' is neither"):
        leaderboard(MOONS, margin="5 percent")


def test_a_margin_of_a_run_is_that_of_its_tables_and_their_parts():
    run = genbench.load_run(MOONS)
    usual, wide = run.leaderboard("w2"), run.leaderboard("w2", margin="40%")
    assert {contest.margin for contest in usual.contests["moons", "w2"]} == {1.25}
    assert {contest.margin for contest in wide.contests["moons", "w2"]} == {1.4}
    run.margin = "40%"
    for part in (run, run.only("moons")):
        assert part.leaderboard("w2").contests["moons", "w2"][0].margin == 1.4
    assert run.leaderboard("w2", margin="20%").contests["moons", "w2"][0].margin == 1.2
    ties = [sum(row.metrics["w2"].tie for row in board.rows) for board in (usual, wide)]
    assert ties[0] < ties[1]


@pytest.mark.parametrize("name", ["moons-quick", "digits-quick"])
def test_no_row_of_a_stored_run_is_as_good_whose_interval_excludes_the_best(name):
    run = genbench.load_run(MOONS.parent / name)
    for margin in (None, "1000%,1000"):
        board, counts = run.leaderboard(margin=margin), 0
        for (place, metric), contests in board.contests.items():
            for contest in contests:
                scores = [r.metrics[metric] for r in contest.rows]
                means = [one.mean for one in scores]
                best = max(means) if card_of(metric).higher_is_better else min(means)
                ratio = contest.leader.metrics[metric].ratio
                for one in (one for one in scores if one.tie):
                    counts += 1
                    assert one.low <= best <= one.high, (place, metric)
                    assert ratio is None or one.ratio_low <= ratio <= one.ratio_high
        assert counts > 10

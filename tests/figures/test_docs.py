"""docs/figures.md says what there is, and what it tells a user to type works."""

import re
from pathlib import Path

import matplotlib.pyplot as plt

from benchmark_scripts import script
from figure_runs import figure_run
from genbench.figures import FORMATS, available, needs_weights
from genbench.plotting.style import STYLES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")


def test_the_table_has_every_figure_with_what_it_shows():
    rows = re.findall(r"^\| `(\w+)`( \*)? \| (.*) \|$", PAGE, re.MULTILINE)
    assert {name: (what, bool(star)) for name, star, what in rows} == {
        name: (what.rstrip("."), needs_weights(name)) for name, what in available().items()
    }, "write it anew: python benchmarks/contact_sheet.py --table"
    with script("contact_sheet") as sheet:
        assert sheet.table() in PAGE


def test_styles_and_formats_are_named():
    assert all(f"--style {name}" in PAGE for name in STYLES)
    assert f"--format {','.join(FORMATS)}" in PAGE


def test_three_lines_draw_a_figure_anew(tmp_path, monkeypatch):
    (lines,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len([line for line in lines.splitlines() if line]) == 3
    run = figure_run(tmp_path, 3)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names: dict = {}
    exec(lines.replace("results/moons-quick", run.path.as_posix()), names)
    figure = plt.figure(plt.get_fignums()[-1])
    titles = {panel.get_title() for panel in figure.axes}
    plt.close(figure)
    assert titles == {f"model = {model}" for model in ("truth", "oracle", "cfm", "coupling_flow")}
    assert names["frame"].groupby("model").size()["cfm"] == 300


def test_the_table_of_eight_columns_is_the_same_each_time(tmp_path):
    with script("contact_sheet") as sheet:
        sheet.write_table(tmp_path / "a.csv")
        sheet.write_table(tmp_path / "b.csv")
    text = (tmp_path / "a.csv").read_text(encoding="utf-8")
    assert text == (tmp_path / "b.csv").read_text(encoding="utf-8")
    assert [len(line.split(",")) for line in text.splitlines()] == [8] * (1 + 2_000)

"""The command line as a user meets it, each call in a process of its own."""

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from genbench.cli.main import COMMANDS, _quiet
from genbench.core.interrupts import Interrupted


@pytest.fixture(scope="module")
def finished(tmp_path_factory, good):
    """A finished run, and what its command printed."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "genbench.toml").write_text(f"plugins = [{good!r}]\n")
    done = subprocess.run(
        [sys.executable, "-m", "genbench", "run", "--models", "standard_normal,gaussian", "--data", "blob", "--seeds", "2", "--samples", "2000", "-q"],
        cwd=folder, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, done


def test_run_ends_with_the_table_the_files_and_the_picture(finished):
    folder, done = finished
    for word in (
        "standard_normal",
        "gaussian",
        "oracle",
        "× oracle",
        "train s",
        "leaderboard.csv",
        "figures/samples.png",
    ):
        assert word in done.stdout, word
    run = folder / "results" / "blob-quick"
    for name in (
        "run.json",
        "leaderboard.csv",
        "leaderboard.md",
        "leaderboard.tex",
        "leaderboard.json",
        "figures/samples.png",
    ):
        assert (run / name).stat().st_size > 0


def test_leaderboard_in_every_format(finished, genbench_cli):
    folder, _ = finished
    run = "results/blob-quick"
    rows = json.loads(genbench_cli("leaderboard", run, "--format", "json", cwd=folder).stdout)
    assert {row["model"] for row in rows} == {"oracle", "standard_normal", "gaussian"}
    for row in rows:
        assert {"model", "dataset", "seeds", "failed", "likelihood", "metrics", "cost"} <= row.keys()
        for cell in row["metrics"].values():
            assert cell is None or {"mean", "low", "high", "floor", "ratio"} <= cell.keys()
    table = list(csv.DictReader(io.StringIO(genbench_cli("leaderboard", run, "--format", "csv", cwd=folder).stdout)))
    by_model = {row["model"]: row for row in rows}
    assert {t["model"]: float(t["w2_mean"]) for t in table} == {
        m: pytest.approx(r["metrics"]["w2"]["mean"]) for m, r in by_model.items()
    }
    assert r"\midrule" in genbench_cli("leaderboard", run, "--format", "tex", cwd=folder).stdout
    assert "| --- |" in (folder / run / "leaderboard.md").read_text()
    sorted_table = genbench_cli("leaderboard", run, "--sort", "w2", "--columns", "all", cwd=folder).stdout
    assert "mmd" in sorted_table.lower()


def test_plot_draws_from_the_store(finished, genbench_cli):
    folder, _ = finished
    picture = folder / "results/blob-quick/figures/samples.png"
    picture.unlink()
    assert "samples.png" in genbench_cli("plot", "results/blob-quick", cwd=folder).stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "samples" in genbench_cli("plot", "--list", cwd=folder).stdout


@pytest.mark.parametrize(
    ("group", "names"),
    [("models", ["cfm", "gaussian", "exact"]), ("datasets", ["moons", "noise=0.05"]), ("metrics", ["w2", "nats"])],
)
def test_list_says_what_there_is(group, names, genbench_cli):
    out = genbench_cli("list", group).stdout
    for name in names:
        assert name in out


def test_list_shows_plugins_and_the_reason_of_those_that_fail(genbench_cli, good, tmp_path):
    """One of a folder is listed as left out; one that is named is an error."""
    (tmp_path / "broken_import.py").write_text("import a_package_that_does_not_exist\n")
    out = genbench_cli("list", "models", "--plugin", good, "--plugin", ".").stdout
    assert "standard_normal" in out
    assert "a_package_that_does_not_exist" in out.replace("\n", "")
    refused = genbench_cli("list", "models", "--plugin", "broken_import.py", check=2)
    assert "broken_import.py failed to import: line 1: ModuleNotFoundError" in refused.stderr


def test_help_teaches_and_imports_nothing_heavy(genbench_cli):

    assert "genbench run --models all --data moons" in genbench_cli("--help").stdout
    assert "steps (2000)" in " ".join(genbench_cli("run", "--help").stdout.split())
    run = str(Path(__file__).parents[2] / "results" / "reference" / "moons-quick")
    code = f"""
import contextlib, sys
from genbench.cli.main import app
print([m for m in ("torch", "numpy", "ot", "sklearn", "pandas", "pydantic", "rich.table") if m in sys.modules])
for command in (["--help"], ["list", "models"], ["leaderboard", {run!r}], ["compare", {run!r}, "--models", "cfm,gan"]):
    with contextlib.redirect_stdout(None), contextlib.suppress(SystemExit):
        app(command)
    print(command[0], [m for m in ("seaborn", "matplotlib") if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n--help []\nlist []\nleaderboard []\ncompare []\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "--models", "cmf"), "no model 'cmf'; did you mean cfm"),
        (("run", "--data", "mons"), "no dataset 'mons'; did you mean moons"),
        (("run", "--metrics", "w3"), "no metric 'w3'"),
        (("run", "--sort", "w3"), "cannot sort by 'w3'"),
        (("run", "--models", "cfm[hidden=wide]"), "hidden must be a whole number"),
        (("run", "--seeds", "0"), "seeds '0' leaves nothing to run"),
        (("run", "--margin", "ten"), "margin 'ten' is neither a share nor a difference above 0; write 10%"),
        (
            ("run", "--models", "gaussian", "--seeds", "1", "--results", "/proc/nowhere"),
            "cannot write to /proc/nowhere",
        ),
        (("run", "--plugin", "nowhere.py"), "does not exist"),
        (("leaderboard", "results/nothing"), "is not a run"),
        (("plot", "results/nothing"), "is not a run"),
        (("plot",), "needs a run's folder"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(arguments, words, genbench_cli):
    done = genbench_cli(*arguments, check=2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("plugins = 3", "plugins is 3, which is not a list of paths"),
        ("plugins = [", "cannot read"),
        ("plugin = []", "unknown setting 'plugin'"),
    ],
)
def test_a_wrong_genbench_toml_is_named(text, words, genbench_cli, tmp_path):
    (tmp_path / "genbench.toml").write_text(text)
    done = genbench_cli("list", "models", check=2)
    assert words in done.stderr
    assert "genbench.toml" in done.stderr


def test_a_failed_trial_is_exit_code_1_with_its_row(genbench_cli, good, bad):
    done = genbench_cli(
        "run", "--models", "raises,standard_normal", "--data", "blob", "--seeds", "1", "--samples", "500",
        "--plugin", good, "--plugin", bad, "-q", check=1,
    )  # fmt: skip
    assert "1 crashed" in done.stdout
    assert "raises on blob, seed 0: crashed in fit at misbehaving.py:24: the plugin's own words" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_caution_is_said_once_and_kept_as_a_flag(tmp_path, genbench_cli):
    done = genbench_cli(
        "run", "--models", "ddpm[schedule=linear,timesteps=100]", "--data", "moons", "--seeds", "1", "--budget", "2",
        "--samples", "20", "--metrics", "sliced_w2", "--name", "r", "-q", cwd=tmp_path,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert said.count("caution: schedule=linear with timesteps=100 ends at ᾱ_T = 0.36") == 1
    assert "Warning" not in said
    trials = [json.loads(file.read_text()) for file in (tmp_path / "results" / "r" / "trials").glob("ddpm*.json")]
    assert [sum("ᾱ_T = 0.36" in flag["text"] for flag in t["flags"]) for t in trials] == [1]


def test_the_list_of_models_shows_variants_and_presets(genbench_cli):
    listed = genbench_cli("list", "models").stdout
    assert "vp_cfm *" in listed
    assert "left out of --models all" in listed
    assert "from 8 dimensions: hidden=128" in listed


@pytest.mark.parametrize(
    ("resumes", "error", "line", "code"),
    [
        (
            True,
            Interrupted(signal.SIGTERM),
            "stopped by SIGTERM: finished trials are kept, the same command resumes",
            143,
        ),
        (False, Interrupted(signal.SIGTERM), "stopped by SIGTERM: the command did not finish; type it again", 143),
        (False, KeyboardInterrupt(), "stopped by Ctrl-C: the command did not finish; type it again", 130),
        (True, KeyboardInterrupt("1 of 2 are kept"), "stopped: 1 of 2 are kept", 130),
    ],
)
def test_a_signal_is_answered_with_what_is_kept(resumes, error, line, code, capsys, monkeypatch):
    def stopped():
        raise error

    if resumes:
        monkeypatch.setitem(COMMANDS, "Train and score", (stopped,))
    with pytest.raises(typer.Exit) as ended:
        _quiet(stopped)()
    assert ended.value.exit_code == code
    assert capsys.readouterr().err == f"genbench: {line}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"), [(["--version"], 0, "genbench"), (["leaderboard", "nowhere"], 2, "nowhere")]
)
def test_a_process_ends_at_once_and_nothing_is_lost(arguments, code, words, tmp_path):
    """What is registered for the end is done, what is in the streams' buffers is written, and the code is kept."""
    program = (
        "import atexit, sys; atexit.register(print, 'at the end'); from genbench.cli.main import start; "
        f"sys.argv = ['genbench', *{arguments!r}]; start()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == code
    assert done.stdout.endswith("at the end\n")
    assert words in done.stdout + done.stderr


def test_a_profiler_has_its_say_at_the_end(tmp_path):
    command = [sys.executable, "-m", "cProfile", "-m", "genbench", "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert "function calls" in done.stdout

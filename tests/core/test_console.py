"""A console that lacks signs gets others, from every command, and no traceback."""

import pytest

from genbench.core.console import as_shown

NEEDED = "× ± ≤ – ▲ ∞ … √ é ² 猫 \udce9"


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", "x +/- <= - ^ inf ... sqrt e 2 ? ?"),
        ("cp1252", "× ± <= – ^ inf … sqrt é ² ? ?"),
        ("utf-8", "× ± ≤ – ▲ ∞ … √ é ² 猫 ?"),
    ],
)
def test_signs_that_an_encoding_lacks_become_others(encoding, shown):
    assert as_shown(NEEDED, encoding) == shown


CONSOLES = {
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.mark.parametrize(("console", "half"), [("cp1252", "½"), ("ascii", "1/2"), ("C", "1/2")])
def test_a_command_shows_what_it_can(console, half, genbench_cli, monkeypatch):
    for name, value in CONSOLES[console].items():
        monkeypatch.setenv(name, value)
    listed = genbench_cli("list", "metrics", encoding="cp1252" if console == "cp1252" else "ascii").stdout
    assert half in listed
    assert "<=" in listed


def test_an_error_shows_what_it_can(genbench_cli, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    wrong = genbench_cli("leaderboard", "λ≤", check=2, encoding="ascii")
    assert wrong.stderr.startswith("genbench: error: ")
    assert "lambda<=" in wrong.stderr

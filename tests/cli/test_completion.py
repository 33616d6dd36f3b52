"""Shell completion: every name, nothing of torch, and what a shell gets."""

import os
import subprocess
import sys

import pytest

from genbench.cli.completion import known_names
from genbench.core.registry import REGISTRY, discover


@pytest.mark.parametrize(
    ("group", "whole"), [("models", {"all", "zoo"}), ("datasets", {"all"}), ("metrics", {"all", "cheap"})]
)
def test_the_names_read_from_the_files_are_those_of_the_registry(group, whole):
    discover()
    found = REGISTRY[group]
    built_in = {name for name, card in found.cards.items() if card.built_in}
    families = {card.family.lower().replace(" ", "-") for card in found.cards.values() if card.built_in}
    names = known_names(group)
    assert set(names) == built_in | families | set(found.suites) | whole
    assert names[: len(built_in)] == sorted(built_in), "plugins come first"


def test_names_of_a_plugin_are_known(good, bad):
    assert "standard_normal" in known_names("models", [good])
    assert "blob" in known_names("datasets", [good])
    assert "raises" in known_names("models", [good, bad])
    assert known_names("models", ["nowhere.py"]) == known_names("models")


def completed(*words: str) -> list[str]:
    """Return what bash would offer after some words, the last of which is begun."""
    environment = os.environ | {
        "_GENBENCH_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1),
    }  # fmt: skip
    command = [sys.executable, "-c", "from genbench.cli.main import main; import sys; sys.argv = ['genbench']; main()"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()


def test_a_shell_completes_the_last_name_of_a_list(good):
    assert completed("genbench", "run", "--models", "cfm,spline") == ["cfm,spline_flow"]
    assert completed("genbench", "list", "metrics", "sliced_w") == ["sliced_w2"]
    assert completed("genbench", "run", "--plugin", good, "--data", "blo") == ["blob"]
    assert completed("genbench", "leader") == ["leaderboard"]


def test_nothing_heavy_is_imported_for_names():
    code = (
        "import sys; from genbench.cli.completion import known_names; import genbench.cli.main; "
        "names = known_names('models'); assert 'cfm' in names; "
        "print([m for m in ('torch', 'numpy', 'pandas', 'pydantic', 'genbench.models') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_script_for_a_shell_is_printed(genbench_cli):
    done = genbench_cli(
        "--show-completion", "bash", env=os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    )
    assert "_GENBENCH_COMPLETE=complete_bash" in done.stdout
    assert "--install-completion" in genbench_cli("--help").stdout

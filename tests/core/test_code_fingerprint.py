"""Which source code a trial's result hangs on."""

from pathlib import Path

import pytest

import genbench.datasets
import genbench.metrics
import genbench.models
from genbench.core.code_fingerprint import fingerprint

SHOWING = (
    "genbench.figures",
    "genbench.report",
    "genbench.display.notebook",
    "genbench.analysis.leaderboard",
    "genbench.display.terminal",
)
PLUGINS = [
    file
    for package in (genbench.models, genbench.datasets, genbench.metrics)
    for folder in package.__path__
    for file in sorted(Path(folder).glob("*.py"))
]


@pytest.mark.parametrize("file", PLUGINS, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_how_results_are_shown_is_no_part_of_how_they_came_about(file):
    """A change of a page or a figure must not make every trial run again."""
    assert not [name for name in fingerprint(file) if name.startswith(SHOWING)]


def test_what_a_model_imports_is_part_of_it():
    (file,) = (file for file in PLUGINS if file.stem == "flow_matching")
    assert {"genbench.nn.paths", "genbench.nn.unet", "genbench.contracts.torch_model"} <= fingerprint(file).keys()

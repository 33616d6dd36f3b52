"""Which source code a trial's result depends on, and what of it counts."""

from pathlib import Path

import pytest

from genbench.contracts.dataset import DATASETS
from genbench.contracts.metric import METRICS
from genbench.contracts.model import MODELS
from genbench.core.code_fingerprint import CodeTree, Definition, installed
from genbench.core.registry import discover
from genbench.evaluation.model_outputs import score
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.runs.code import changed_code, code_of, sources_of
from genbench.tasks import TASKS

discover()
BUILT_IN = [c for group in (MODELS, DATASETS, METRICS) for c in group.cards.values() if "tests" not in str(c.file)]
SHOWING = ("analysis", "cli", "display", "figures", "report")
PLUGIN = """
from genbench.contracts.model import register_model
from genbench.nn.{module} import loss
from genbench.core.errors import ContractError

WIDTH = 3

@register_model("{name}", family="a", paper="a paper")
class Mine:
    \"\"\"A model.\"\"\"

    def __init__(self, hidden: int = WIDTH) -> None:
        sizes = {{"hidden": hidden}}
        for name, value in sizes.items():
            if value < 1:
                raise ValueError(name)
        self.hidden = hidden

    def training_loss(self, x):
        return {call}
"""
LOSS = """
FACTOR = {factor}

def loss(x):
    return FACTOR * x

def another(x):
    return {other}
"""


def names(*roots):
    return {definition.name for definition in installed().reached(*roots)}


@pytest.mark.parametrize("card", BUILT_IN, ids=lambda card: card.name)
def test_how_results_are_shown_is_no_part_of_how_they_came_about(card):
    """A change of a page or a figure must not make every trial run again."""
    files = {definition.file for definition in installed().reached(Definition.of(card.factory, card.file))}
    engine = Path(installed().locate("genbench.api")).parent
    assert not [file for file in files if file.is_relative_to(engine) and file.relative_to(engine).parts[0] in SHOWING]


def test_what_a_model_uses_is_part_of_it():
    cfm = MODELS["cfm"]
    assert {"CFM", "PathFlow", "UNet", "Guide", "move", "TorchModel"} <= names(Definition.of(cfm.factory, cfm.file))


@pytest.mark.parametrize("task", TASKS)
def test_every_task_depends_on_the_trainer_and_on_nothing_that_scores(task):
    sources = sources_of(task, MODELS["cfm"], {}, DATASETS["moons"], ["kl"])
    assert sources.keys() == {"model", "dataset", "task", "evaluation", "metric kl"}
    assert len(set(sources.values())) == len(sources)
    assert {"train", "OptimizerGroups", "Average", "Standardiser", "isolated"} <= names(Definition.of(ResolvedTrial))
    assert {"Evidence", "Protocol", "evaluate"} <= names(Definition.of(score))


def test_a_parameter_that_names_a_dataset_depends_on_it():
    sources = sources_of("generate", MODELS["cfm"], {"source": "circles[noise=0.1]"}, DATASETS["moons"], [])
    assert sources["dataset circles"] == code_of(DATASETS["circles"])


def digest(tmp_path, loss=LOSS, module="losses", place="nn/losses.py", **facts):
    """Return the digest of a model in a tree of two files."""
    values = {"name": "mine", "call": "loss(x)", "factor": 2, "other": "x"} | facts
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text(loss.format(**values))
    plugin = tmp_path / "plugin.py"
    plugin.write_text(values.get("plugin", PLUGIN).format(module=module, **values))
    found = {f"genbench.nn.{module}": tmp_path / place}
    tree = CodeTree(found.get, plumbing=("genbench.contracts.model", "genbench.core.errors"))
    return tree.digest(tree.reached(Definition(plugin, "Mine")))


def test_only_the_syntax_trees_that_matter_count(tmp_path):
    """A moved module, another import, a comment, an annotation, a check, a neighbour: none changes a number."""
    before = digest(tmp_path)
    same = {
        "a module that was moved": {"module": "moved", "place": "elsewhere/moved.py"},
        "a neighbour that is not used": {"other": "x + 1"},
        "a docstring": {"plugin": PLUGIN.replace("A model.", "Another text.")},
        "the paper": {"plugin": PLUGIN.replace("a paper", "another paper")},
        "an annotation": {"plugin": PLUGIN.replace("hidden: int", "hidden: float")},
        "another way to import": {
            "plugin": PLUGIN.replace(
                "from genbench.nn.{module} import loss", "from genbench.nn.{module} import loss as f"
            ),
            "call": "f(x)",
        },
        "a check that only raises": {
            "plugin": PLUGIN.replace(
                """        sizes = {{"hidden": hidden}}
        for name, value in sizes.items():
            if value < 1:
                raise ValueError(name)
""",
                "",
            )
        },
    }
    for what, change in same.items():
        assert digest(tmp_path, **change) == before, what
    other = {
        "the loss": {"call": "2 * loss(x)"},
        "a constant that the loss uses": {"factor": 3},
        "a default": {"plugin": PLUGIN.replace("WIDTH = 3", "WIDTH = 4")},
        "the name it is registered by": {"name": "other"},
    }
    walrus = "    if (n := {n}) < 0:\n        raise ValueError\n    return n * x"
    shared = "    def inner():\n        nonlocal n\n        n = {n}\n    n = 0\n    inner()\n    return n * x"
    for body in (walrus, shared):
        first, second = (digest(tmp_path, LOSS.replace("    return FACTOR * x", body.format(n=n))) for n in (1, 2))
        assert first != second, body
    for what, change in other.items():
        assert digest(tmp_path, **change) != before, what


def test_changed_code_is_named():
    card = MODELS["gmm"]

    class Spec:
        sources = {"model": "other", "dataset": code_of(DATASETS["moons"])}  # noqa: RUF012

    assert changed_code(Spec, model=card, dataset=DATASETS["moons"]) == ["model gmm"]

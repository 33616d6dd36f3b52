"""The bibliography has what the cards refer to."""

import inspect
import re

import pytest

import genbench
from genbench.contracts.dataset import DATASETS
from genbench.contracts.metric import METRICS
from genbench.contracts.model import MODELS
from genbench.core.registry import discover
from genbench.display.citations import AUTHORS_YEAR, bibliography, cited_by, cited_in, entries, references, source_of
from trial_records import record, spec

discover()
HERE = {"", "a file of yours", "a folder of yours", "data of yours"}  # no paper
NAME = r"(?:van den |de )?[A-Z][\w-]+"
CITATION = re.compile(rf"{NAME}(?:, {NAME})*(?: et al\.| and {NAME})? (?:19|20)\d\d[a-z]?")


def citations(text):
    """Return what looks like a citation in a text: names and a year."""
    return CITATION.findall(AUTHORS_YEAR.sub(r" \1", " ".join(text.replace("&", "and").split())))


def built_in(group):
    return [card for card in group.cards.values() if card.built_in]


@pytest.mark.parametrize("card", [*built_in(MODELS), *built_in(DATASETS)], ids=lambda card: card.name)
def test_each_reference_of_a_card_is_in_the_bibliography(card):
    source = source_of(card)
    if source in HERE:
        return
    for part in source.split("; "):
        if not citations(part) and len(source.split("; ")) > 1:
            continue  # "Student margins", of "Nelsen 2006; Student margins"
        assert cited_in(part), part
    for one in citations(source):
        assert cited_in(one), one


@pytest.mark.parametrize("card", built_in(METRICS), ids=lambda card: card.name)
def test_each_citation_of_a_metric_is_in_the_bibliography(card):
    for one in citations(source_of(card)):
        assert cited_in(one), one


def test_the_citations_of_metrics_are_found():
    found = {card.name: [entry.key for entry in cited_by(card)] for card in built_in(METRICS)}
    assert found["sliced_w2"] == ["bonneel2015sliced"]
    assert found["fid"] == ["heusel2017gans"]
    assert {"szekely2013energy"} <= set(found["energy"])
    assert sum(bool(keys) for keys in found.values()) >= 20
    assert sum(bool(citations(source_of(card))) for card in built_in(METRICS)) >= 20


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Ho et al. 2020; Song et al. 2021", ["ho2020denoising", "song2021score"]), ("Song et al. 2021a", ["song2021denoising"]),
        ("Kingma & Welling 2014, eq. 3", ["kingma2014auto"]), ("Kingma and Welling (2014, eq. 3)", ["kingma2014auto"]),
        ("Heusel et al.\n(2017)", ["heusel2017gans"]), ("Box and Cox 1958", []), ("Ho et al. 20201", []), ("Who et al. 2020", []), ("", []),
        ("a fit to UCI's digits (Alpaydin & Kaynak 1998), or MNIST", ["alpaydin1998digits"]),
        ("Efron et al. 2004, in scikit-learn", ["efron2004least", "pedregosa2011scikit"]), ("my_genbench", []), ("genbench", ["genbench"]),
    ],
)  # fmt: skip
def test_words_are_found_whole(text, keys):
    assert [entry.key for entry in cited_in(text)] == keys


def test_each_entry_is_bibtex():
    keys = [entry.key for entry in entries()]
    assert len(keys) > 80
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    assert len({words for entry in entries() for words in entry.cited}) == sum(len(entry.cited) for entry in entries())
    for entry in entries():
        assert entry.text.count("{") == entry.text.count("}")
        assert "cited" not in entry.text
        assert re.match(r"@(article|book|inproceedings|misc|techreport)\{", entry.text)
        for name in ("author", "title"):
            assert f"\n  {name} = {{" in entry.text, entry.key
        assert "year = {" in entry.text or entry.key == "sidc"
        assert entry.text.isascii(), "BibTeX of old reads no other letters"
        lines = entry.text.splitlines()[1:-1]
        assert all(re.fullmatch(r"  \w+ = \{.*\},", line) for line in lines), entry.key


def test_each_entry_is_used():
    """By a card, or by the docstring of a metric; some by what a metric's file uses."""
    used = {
        entry.key
        for group in (MODELS, DATASETS, METRICS)
        for card in built_in(group)
        for entry in cited_in(source_of(card))
    }
    assert {entry.key for entry in entries()} - used <= {
        "schmitzer2016sparse",
        "song2021denoising",
        "dowson1982frechet",
        "sejdinovic2013equivalence",
    }


@pytest.fixture
def run(tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "import genbench\n"
        "@genbench.register_model('mine_cited', family='own', paper='Nobody 2020 @misc{x}\\nand Liu et al. 2023')\n"
        "class Mine(genbench.Model):\n    def fit(self, x): ...\n    def sample(self, n): return [[0.0, 0.0]] * n\n"
        "@genbench.register_model('mine_alone', family='own', paper='Nobody 2020 @misc{x}')\n"
        "class Alone(Mine): ...\n"
    )
    from genbench.storage.records import RunRecord
    from genbench.storage.store import Store

    store = Store(tmp_path / "run")
    store.create()
    specs = [
        spec(
            model=name,
            model_name=name,
            dataset="moons",
            dataset_name="moons",
            metrics=("sliced_w2", "nll", "w2"),
            params=params,
        )
        for name, params in (
            ("kde", {}),
            ("ot_cfm", {"source": "funnel"}),
            ("mine_cited", {}),
            ("mine_alone", {}),
            ("gone", {}),
        )
    ]
    for one in specs:
        store.write(record(one, metrics={"sliced_w2": 0.1, "nll": 0.2, "w2": None}), None)
    store.write_run(RunRecord(name="run", trials=[one.key for one in specs]))
    return genbench.load_run(store.path, plugins=[str(plugin)])


def test_a_run_is_cited_whole(run):
    text = bibliography(references(run), run.name)
    comments = [line for line in text.splitlines() if line.startswith("%")]
    for line in (
        "% What to cite for run:", f"% genbench {genbench.__version__}: genbench",
        "% model kde: parzen1962estimation, habbema1974stepwise (Parzen 1962; Habbema et al. 1974)",
        "% model mine_cited: liu2023flow (Nobody 2020 (at)misc{x} and Liu et al. 2023)",
        "% model mine_alone: Nobody 2020 (at)misc{x} (not in this bibliography)",
        "% model gone: not loaded here; if it is of a plugin, name its file with --plugin",
        "% dataset moons: pedregosa2011scikit (scikit-learn, make_moons)",
        "% metric sliced_w2: bonneel2015sliced", "% metric nll: names no paper",
    ):  # fmt: skip
        assert line in comments, line
    assert "metric w2:" not in text, "no trial has a score"
    assert any(line.startswith("% dataset funnel: neal2003slice") for line in comments), "the source of a flow"
    keys = re.findall(r"^@\w+\{(\w+),$", text, re.MULTILINE)
    assert keys == sorted(set(keys))
    assert {"genbench", "parzen1962estimation", "liu2023flow", "tong2024improving", "bonneel2015sliced"} <= set(keys)
    assert all(line.startswith(("%", "@", "  ", "}")) or not line for line in text.splitlines())


def test_genbench_alone():
    text = bibliography([])
    assert re.findall(r"^@\w+\{(\w+),$", text, re.MULTILINE) == ["genbench"]
    assert genbench.__version__ in text
    assert "VERSION" not in text
    assert inspect.cleandoc(text)

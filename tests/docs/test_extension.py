"""What docs/_ext adds to Sphinx: cards as Markdown, docstrings, flow charts, contents, and repairs for readers."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("sphinx", minversion="9")
sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "_ext"))

from docutils import nodes
from docutils.utils import new_document
from docutils.utils.math.latex2mathml import tex2mathml

import genbench
from genbench.contracts.dataset import DATASETS
from genbench.contracts.metric import METRICS
from genbench.contracts.model import MODELS
from genbench.core.registry import discover
from genbench.display.citations import entries
from genbench_docs.accessible import accessible
from genbench_docs.cards import dataset_page, metric_page, parts_of, plain, reference, sight
from genbench_docs.catalogue import family_text, models_table
from genbench_docs.chains import rows
from genbench_docs.docstrings import as_rest
from genbench_docs.mathml import spaced
from genbench_docs.outside import CloneCommands
from genbench_docs.pages import listed, present

DOCS = Path(__file__).parents[2] / "docs"

CONTENTS = "# Home\n\n```{toctree}\n:hidden:\n\nStart <start>\nThere <sub/there>\nalone\n```\n\n```{toctree}\nGone <gone>\n```\n"


@pytest.fixture(scope="module", autouse=True)
def found():
    discover(installed=False)


@pytest.mark.parametrize(
    ("address", "first"),
    [
        ("https://example.org/g", "git clone https://example.org/g genbench"),
        ("", "git clone REPOSITORY genbench  # REPOSITORY: its web address"),
    ],
)
def test_a_command_that_copies_the_repository_has_its_address_where_it_is_known(address, first):
    document, text = new_document("page"), "git clone REPOSITORY genbench  # REPOSITORY: its web address\ncd genbench"
    document += nodes.literal_block(text, text, language="none")
    config = SimpleNamespace(genbench_repository=address)
    document.settings.env = SimpleNamespace(app=SimpleNamespace(config=config), config=config)
    CloneCommands(document).apply()
    (block,) = document.findall(nodes.literal_block)
    assert block.astext() == f"{first}\ncd genbench"
    assert block["language"] == "none"
    pages = [(DOCS / page).read_text(encoding="utf-8") for page in ("index.md", "start.md", "zh/start.md")]
    assert all("git clone REPOSITORY genbench  # REPOSITORY" in page for page in pages)


def test_plain_text_stays_plain_and_code_stays_code():
    assert plain("p(x|z) in [0, 1) and x_i * `a_b[c]`") == r"p(x\|z) in \[0, 1) and x\_i \* `a_b[c]`"


def test_a_dataset_says_what_is_known_of_it():
    text = dataset_page(DATASETS["ring"], genbench.load_dataset("ring"))
    assert text.startswith("### ring\n")
    for fact in (
        ":shape of a sample: 2",
        ":density: exact",
        ":entropy: -4.293 nats",
        ":modes: 8",
        "| `std` | `0.01` |",
    ):
        assert fact in text
    file = dataset_page(DATASETS["csv"], None)
    assert ":entropy:" not in file
    assert "| `path` | `required` |" in file


def test_real_data_have_no_density():
    text = dataset_page(DATASETS["wine"], genbench.load_dataset("wine"))
    assert ":density: unknown" in text
    assert ":entropy: unknown" in text


def test_a_metric_says_in_which_dimensions_it_sees():
    assert sight("sliced_w2").startswith("yes in 2 dimensions (45.6 deviations, 18.1 × the truth's score); yes in 16")
    assert "; no in 64 dimensions (" in sight("sliced_w2")
    assert sight("accuracy") == ""
    text = metric_page(METRICS["c2st_mlp"])
    assert ":computed: only where it is named" in text
    assert ":better: lower" in text


def test_a_parameter_is_explained_by_the_base_class_where_the_own_one_says_nothing():
    own = parts_of(MODELS["wgan_gp"])[1]
    told = {name for names in own for name in names.split(", ")}
    assert told >= {"penalty", "hidden"}
    assert told <= set(MODELS["wgan_gp"].signature)
    assert "noise" in parts_of(DATASETS["moons"])[1]


def test_a_reference_is_a_line_with_accents():
    lines = {entry.key: reference(entry) for entry in entries()}
    assert lines["durkan2019neural"] == "Durkan et al. (2019), *Neural spline flows*"
    assert lines["hyvarinen2005estimation"].startswith("Hyvärinen (2005), *Estimation of non-normalized")
    assert "{" not in "".join(lines.values())
    assert "\\'" not in "".join(lines.values())


def test_a_family_and_a_name_are_found_and_others_are_an_error():
    assert [line for line in family_text("models", ["vae", "kde"]).splitlines() if line.startswith("### ")] == [
        "### vae", "### kde",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no models of the family or name nonsense"):
        family_text("models", ["nonsense"])


def test_the_table_of_models_marks_variants_and_other_libraries():
    rows_of = dict(line.split(" | ", 1) for line in models_table().splitlines()[2:])
    assert {"| `cfm`", "| `fm` ‡", "| `zuko_nsf` †"} <= set(rows_of)


def test_docstrings_are_code_and_text():
    assert as_rest("x [n, *shape] of `draw(*a)`, and log_") == r"x [n, \*shape] of ``draw(*a)``, and log\_"


def test_a_flow_chart_is_rows_of_labels():
    assert rows("flowchart TD\n  a[first] --> b --> c[(kept)]\n  b --> d[last one]\n") == [
        ["first", "b", "kept"], ["b", "last one"],
    ]  # fmt: skip
    with pytest.raises(ValueError, match="is no chain"):
        rows("a -.-> b[x y")


def test_contents_have_only_pages_that_are_there():
    assert present(CONTENTS, ["sub/there", "index"]) == "# Home\n\n```{toctree}\n:hidden:\n\nThere <sub/there>\n```\n\n"
    assert present("```{toctree}\n:glob:\n\nzh/*\n```\n", ["zh/start"]).endswith("zh/*\n```\n")
    assert present("```{toctree}\n:glob:\n\nzh/*\n```\n", ["start"]) == ""
    assert listed(CONTENTS) == {"start", "sub/there", "alone", "gone"}


def test_equations_have_the_spaces_and_the_bars_of_tex():
    equation = spaced(tex2mathml(r"\log p + \left| \det A \right|", as_block=True))
    assert equation.count('<mspace width="0.1667em"></mspace>') == 2
    assert equation.count('<mo stretchy="true">|</mo>') == 2
    assert spaced(tex2mathml(r"\exp(x)")).count("mspace") == 0


def test_code_scrolls_by_keys_and_signatures_are_no_lists():
    html = accessible('<pre>x</pre><p role="heading">A</p><dl><dd>a</dd>\n<dd>b</dd></dl><dl class="x"><dt>t</dt></dl>')
    assert '<pre tabindex="0">' in html
    assert '<p role="heading" aria-level="2">' in html
    assert html.count('<span class="sig-line">') == 2
    assert '<dl class="x"><dt>t</dt></dl>' in html

"""The documentation site: what is registered is on a page, links lead somewhere, and everybody can read it.

The tests of the built site are slow, and those in a browser need Chromium: without one they are skipped, or fail if
GENBENCH_BROWSER=required. Screenshots go to the folder GENBENCH_ARTEFACTS, if that is set.
"""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser_launch import launched_browser

import genbench
from genbench.contracts import optional_methods
from genbench.contracts.dataset import DATASETS
from genbench.contracts.metric import METRICS
from genbench.contracts.model import MODELS
from genbench.core.registry import discover

DOCS = Path(__file__).parents[2] / "docs"
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
MAIN = (
    "index.html", "models.html", "models/vae.html", "datasets.html", "metrics.html", "api.html", "architecture.html",
    "checking.html",
)  # fmt: skip


@pytest.mark.parametrize(("page", "group"), [("datasets", DATASETS), ("metrics", METRICS)])
def test_everything_has_its_place_in_one_section(page, group):
    discover(installed=False)
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    asked = [
        line
        for block in re.findall(rf"```{{catalogue}} {page}\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
    ]
    own = [card for card in group.cards.values() if card.built_in]
    shown = [card.name for name in asked for card in own if name in (card.family, card.name)]
    assert sorted(shown) == sorted(card.name for card in own)


def test_every_public_name_is_documented_and_no_private_one():
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    named = re.findall(r"^\.\. auto\w+:: ([\w.]+)", text, re.MULTILINE)
    assert {name.removeprefix("genbench.") for name in named if name.count(".") == 1} == set(genbench.__all__)
    assert [name for name in named if "._" in name.replace("__version__", "")] == []
    more = {name.rpartition(".")[2] for name in named if name.count(".") > 1}
    methods = {name for name in vars(optional_methods) if name.startswith("Supports")}
    assert more == {"Leaderboard", "Row", "Cell", "Budget"} | methods


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site as `make docs` builds it; a warning is an error."""
    pytest.importorskip("furo")
    pytest.importorskip("myst_parser")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", f"{folder}/doctrees"]
    done = subprocess.run([*command, DOCS, folder / "html"], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "html"


class Links(HTMLParser):
    """The ids of a page, where its links lead, and what it loads."""

    def __init__(self, page):
        super().__init__()
        self.ids, self.targets, self.loaded = set(), [], []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        self.ids |= {known["id"]} if "id" in known else set()
        if tag == "a" and known.get("href"):
            self.targets.append(known["href"])
        if tag in ("img", "script", "iframe", "source") and known.get("src"):
            self.loaded.append(known["src"])
        if tag == "link" and known.get("href") and known.get("rel") in ("stylesheet", "preload", "icon", "prefetch"):
            self.loaded.append(known["href"])


@pytest.fixture(scope="module")
def pages(site):
    return {page: Links(page) for page in sorted(site.rglob("*.html"))}


@pytest.mark.slow
def test_every_link_leads_to_a_place_on_the_site(pages, site):
    own = (site / "index.html").read_text(encoding="utf-8").partition("<article")[2]
    assert {f'href="{name}.html"' in own for name in ("models", "datasets", "api", "verdicts")} == {True}
    lost = []
    for page, found in pages.items():
        for target in found.targets:
            parts = urlsplit(target)
            if parts.scheme:
                continue
            to = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not to.is_file() or (parts.fragment and to in pages and unquote(parts.fragment) not in pages[to].ids):
                lost.append(f"{page.name}: {target}")
    assert lost == []
    assert sum(len(found.targets) for found in pages.values()) > 1_000


@pytest.mark.slow
def test_nothing_is_loaded_from_elsewhere(pages, site):
    for page, found in pages.items():
        for source in found.loaded:
            assert not urlsplit(source).netloc, f"{page.name} loads {source}"
            assert (page.parent / unquote(urlsplit(source).path)).exists(), f"{page.name} lacks {source}"
    styles = "".join(file.read_text(encoding="utf-8") for file in site.rglob("*.css"))
    assert re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//[^)\"']*", styles) == []


@pytest.mark.slow
def test_every_model_dataset_and_metric_has_a_heading(pages, site):
    discover(installed=False)
    text = {page.stem: page.read_text(encoding="utf-8") for page in pages}
    models = "".join(text[page.stem] for page in pages if page.parent == site / "models")
    for group, there in ((DATASETS, text["datasets"]), (METRICS, text["metrics"]), (MODELS, models)):
        headings = set(re.findall(r"<h3>(.*?)<a ", there))
        assert {card.name for card in group.cards.values() if card.built_in} <= headings


@pytest.fixture(scope="module")
def browser():
    with launched_browser() as browser:
        yield browser


@pytest.fixture
def opened(browser):
    contexts = []

    def open_page(file, size=DESKTOP, scheme="light", **options):
        contexts.append(browser.new_context(viewport=size, color_scheme=scheme, **options))
        page = contexts[-1].new_page()
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_a_readers_way(opened, site, scheme):
    from axe_playwright_python.sync_playwright import Axe

    for name in MAIN:
        page = opened(site / name, scheme=scheme)
        found = Axe().run(page).response
        assert len(found["passes"]) > 10
        bad = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
        assert bad == [], [
            (name, v["id"], [(n["html"][:120], n["failureSummary"][:300]) for n in v["nodes"][:3]]) for v in bad
        ]
        assert page.locator("aside:not([aria-label])").count() == 0


@pytest.mark.slow
def test_a_page_is_read_without_a_script(opened, site):
    page = opened(site / "models/vae.html", java_script_enabled=False)
    assert page.locator("math").first.is_visible()
    assert page.locator("math").first.bounding_box()["height"] > 5
    assert page.locator("mjx-container, script[src*=mathjax]").count() == 0
    assert page.locator("article img").first.bounding_box()["width"] > 200
    page.get_by_role("navigation").or_(page.locator(".sidebar-tree")).get_by_text("Metrics", exact=True).first.click()
    assert page.locator("h1").inner_text().startswith("Metrics")


@pytest.mark.slow
def test_a_phone_never_scrolls_a_page_sideways(opened, site):
    for name in MAIN:
        assert opened(site / name, PHONE).evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"], name


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_screenshots_are_kept(opened, site, tmp_path, scheme, size):
    folder = Path(os.environ.get("GENBENCH_ARTEFACTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    for name in MAIN[:4]:
        shot = folder / f"docs-{name.replace('/', '-').removesuffix('.html')}-{size['width']}-{scheme}.png"
        opened(site / name, size, scheme).screenshot(path=shot)
        assert shot.stat().st_size > 20_000

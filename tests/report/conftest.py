"""A real browser for the tests of pages.

It needs Chromium. Without one the tests are skipped, or fail if GENBENCH_BROWSER=required.
"""

import os
import shutil

import pytest
from browser_sizes import DESKTOP

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    api = pytest.importorskip("playwright.sync_api") if os.environ.get("GENBENCH_BROWSER") != "required" else None
    if program is None:
        (pytest.fail if api is None else pytest.skip)(f"none of {', '.join(BROWSERS)} is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS, timeout=120_000)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def opened(browser):
    """Opens pages, and has seen all that they asked for and complained of."""
    asked, problems, contexts = [], [], []

    def open_page(file, size=DESKTOP, scheme="light", anchor="", **options):
        context = browser.new_context(viewport=size, color_scheme=scheme, **options)
        contexts.append(context)
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: (problems.append(dialog.message), dialog.dismiss()))
        page.goto(file.as_uri() + anchor)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    assert any(url.startswith("file:") for url in asked)

"""A real browser for the tests of pages."""

import pytest
from browser_launch import launched_browser
from browser_sizes import DESKTOP


@pytest.fixture(scope="module")
def browser():
    with launched_browser() as browser:
        yield browser


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

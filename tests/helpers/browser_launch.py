"""A real browser for tests of pages; without Chromium they are skipped, or fail if GENBENCH_BROWSER=required."""

import os
import shutil
from contextlib import contextmanager

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@contextmanager
def launched_browser():
    """Give a headless browser that asks for nothing by itself."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    api = pytest.importorskip("playwright.sync_api") if os.environ.get("GENBENCH_BROWSER") != "required" else None
    if program is None:
        (pytest.fail if api is None else pytest.skip)(f"none of {', '.join(BROWSERS)} is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS, timeout=120_000)
        yield browser
        browser.close()

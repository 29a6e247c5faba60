"""Headless Chromium for the tests of pages; a test that asks for it is skipped where it isn't installed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def open_browser() -> Iterator[Chrome]:
    """A browser that logs its console and its requests."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("needs chromium and chromedriver (Debian: apt install chromium chromium-driver)")
    options = ChromeOptions()
    options.binary_location = chromium
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = Chrome(options=options, service=Service(driver))
    try:
        yield browser
    finally:
        browser.quit()


def show(browser: Chrome, page: Path, width: int = 1280, height: int = 900, dark: bool = False) -> None:
    """Open a page in a viewport of that size, in CSS pixels; `page` is loaded anew."""
    browser.get("about:blank")
    for log in ("browser", "performance"):
        browser.get_log(log)  # what earlier pages left there
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get(page.as_uri())


def complaints(browser: Chrome) -> list[str]:
    """What the page has written to the console since the last call, errors of its script included."""
    return [entry["message"] for entry in browser.get_log("browser")]


def requests(browser: Chrome) -> list[str]:
    """Addresses that the browser has asked for since the last call, the page's own first."""
    messages = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    asked = (message for message in messages if message["method"] == "Network.requestWillBeSent")
    return [message["params"]["request"]["url"] for message in asked]


def overflow(browser: Chrome) -> int:
    """Pixels by which the page is wider than its viewport; above 0 it scrolls sideways."""
    return int(
        browser.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
    )

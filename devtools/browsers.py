"""Find an installed browser for the board's tests and pictures."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Playwright

from workshop.console import say
from workshop.errors import WorkshopError

PROGRAMS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    *("microsoft-edge", "microsoft-edge-stable", "msedge"),
)
"""The programs on PATH that are tried, the first ones first."""

CHANNELS = ("chrome", "msedge", "chromium")
"""Where Playwright looks for a browser that is not on PATH, as on macOS and Windows."""

MISSING = (
    "No browser was found. The tests of the board need Chromium, Chrome or Edge: install one of "
    "them, for example with `sudo apt-get install chromium` or from its vendor's site."
)


def launch(playwright: Playwright) -> Browser:
    """Return a running browser without a window.

    Raises:
        WorkshopError: None is installed, or it does not start.
    """
    options: dict[str, Any] = {}
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options["args"] = ["--no-sandbox"]  # Chromium's sandbox does not run as root
    if (program := _program()) is not None:
        return playwright.chromium.launch(executable_path=program, **options)
    for channel in CHANNELS:
        try:
            return playwright.chromium.launch(channel=channel, **options)
        except Error:
            continue
    raise WorkshopError(MISSING)


def prepare() -> None:
    """Install Debian's Chromium if there is no browser; only as root on Debian.

    Such a machine is a container of a pipeline. Elsewhere, `launch` says what to install.
    """
    if _program() is not None or not _is_debian_as_root():
        return
    say("Installing Chromium from Debian, once, for the tests of the board …")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (
        ("update", "-qq"),
        ("install", "-qq", "-y", "--no-install-recommends", "chromium"),
    ):
        done = subprocess.run(
            ["apt-get", *words], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            say(done.stderr)
            return


def _program() -> str | None:
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


def _is_debian_as_root() -> bool:
    release = Path("/etc/os-release")
    return (
        hasattr(os, "geteuid")
        and os.geteuid() == 0
        and release.exists()
        and "\nID=debian\n" in f"\n{release.read_text('utf-8')}\n"
        and shutil.which("apt-get") is not None
    )

"""A browser is found, installed on a pipeline's machine, or named as missing."""

import subprocess
from types import SimpleNamespace

import pytest
from playwright.sync_api import Error

from devtools import browsers
from workshop.errors import WorkshopError


@pytest.fixture
def installed(monkeypatch):
    """Pretend that no browser is installed; return the commands that would install one."""
    commands = []

    def run(command, **_):
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(browsers, "_program", lambda: None)
    monkeypatch.setattr(browsers.subprocess, "run", run)
    return commands


def test_chromium_is_installed_as_root_on_debian_and_said(installed, monkeypatch, capsys):
    monkeypatch.setattr(browsers, "_is_debian_as_root", lambda: True)
    browsers.prepare()
    assert [command[:2] for command in installed] == [["apt-get", "update"], ["apt-get", "install"]]
    assert installed[-1][-1] == "chromium"
    assert "Installing Chromium" in capsys.readouterr().err


def test_nothing_is_installed_on_another_machine(installed, monkeypatch):
    monkeypatch.setattr(browsers, "_is_debian_as_root", lambda: False)
    browsers.prepare()
    assert installed == []


def test_nothing_is_installed_beside_a_browser(installed, monkeypatch):
    monkeypatch.setattr(browsers, "_is_debian_as_root", lambda: True)
    monkeypatch.setattr(browsers, "_program", lambda: "/usr/bin/chromium")
    browsers.prepare()
    assert installed == []


def test_missing_browser_is_named_with_what_to_install(installed):
    tried = []

    def launch(*, channel, **_):
        tried.append(channel)
        raise Error("not found")

    playwright = SimpleNamespace(chromium=SimpleNamespace(launch=launch))
    with pytest.raises(WorkshopError, match="apt-get install chromium"):
        browsers.launch(playwright)
    assert tried == list(browsers.CHANNELS)

"""What `make env` does to a shell, in a real one: it wins over all there is, and is taken back."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from workshop.deployment.shell_variables import SHELLS, entering, leaving
from workshop.deployment.target import LOCAL_CREDENTIALS, Target

URL = "http://127.0.0.1:4999"
LOCAL = Target.local("default", URL)
ACCOUNT = Target("aws-1-eu-west-1", "eu-west-1", "1", None, own=False)
SHELL = shutil.which("sh")
DUMP = "import json, os; print(json.dumps(dict(os.environ)))"

MISLEADING = {
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_PROFILE": "work",
    "AWS_SESSION_TOKEN": "a token with 'quotes' and $HOME",
    "AWS_CA_BUNDLE": "/nowhere.pem",
    "AWS_RETRY_MODE": "typo",
}
OWN = MISLEADING | {
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "AKIAMINE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_CONFIG_FILE": "/home/me/config",
    "AWS_DEFAULT_OUTPUT": "table",
}


@pytest.fixture
def shell(monkeypatch):
    """A shell with settings of the user's; it runs lines and keeps its variables."""
    if SHELL is None:
        pytest.skip("there is no sh")
    for name in os.environ:
        if name.startswith(("AWS_", "WORKSHOP_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    kept = dict(os.environ)

    def run(changes):
        script = "\n".join([*changes.lines(SHELLS["sh"]), f"'{sys.executable}' -c '{DUMP}'"])
        after = json.loads(subprocess.check_output([SHELL, "-c", script], env=dict(os.environ)))
        for name in set(os.environ) - set(after):
            monkeypatch.delenv(name)
        for name, value in after.items():
            monkeypatch.setenv(name, value)
        ignored = {"_", "PWD", "SHLVL", "OLDPWD", "PYTEST_CURRENT_TEST"}
        return {n: v for n, v in after.items() if kept.get(n) != v and n not in ignored}

    return run


def settings(variables):
    return {name: value for name, value in variables.items() if not name.startswith("WORKSHOP_")}


def test_env_wins_over_every_setting_and_is_taken_back(shell, monkeypatch):
    for name, value in OWN.items():
        monkeypatch.setenv(name, value)
    inside = settings(shell(entering(LOCAL, f"{URL}/api", os.environ)))
    assert inside == LOCAL.exports() | {
        "API_ENDPOINT": f"{URL}/api",
        "AWS_DEFAULT_OUTPUT": "table",
    }
    again = settings(shell(entering(LOCAL, f"{URL}/api", os.environ)))
    assert again == inside
    assert shell(leaving(os.environ)) == OWN
    assert shell(leaving(os.environ)) == OWN


@pytest.mark.parametrize("names", [("NO_PROXY",), ("no_proxy",), ("NO_PROXY", "no_proxy"), ()])
def test_local_cloud_is_asked_without_proxy_in_either_spelling(shell, monkeypatch, names):
    own = dict.fromkeys(names, "a.example,b.example") | {
        "https_proxy": "http://p",
        "HTTP_PROXY": "p",
    }
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    for _ in range(2):
        inside = shell(entering(LOCAL, None, os.environ))
        for name in ("NO_PROXY", "no_proxy"):
            hosts = inside[name].split(",")
            assert "127.0.0.1" in hosts
            assert len(hosts) == len(set(hosts))
            assert ("a.example" in hosts) is bool(names)
    assert shell(leaving(os.environ)) == own


def test_profile_chosen_after_env_survives_its_end(shell, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "work")
    shell(entering(LOCAL, None, os.environ))
    monkeypatch.setenv("AWS_PROFILE", "newer")
    assert shell(leaving(os.environ)) == {"AWS_PROFILE": "newer"}


def test_env_of_an_account_gives_back_the_users_credentials(shell, monkeypatch):
    """The local cloud's would be refused there; a profile is how the account is reached."""
    monkeypatch.setenv("AWS_PROFILE", "work")
    shell(entering(LOCAL, None, os.environ))
    inside = settings(shell(entering(ACCOUNT, None, os.environ)))
    assert inside == ACCOUNT.exports() | {"AWS_PROFILE": "work"}
    assert shell(leaving(os.environ)) == {"AWS_PROFILE": "work"}


def test_leaving_takes_nothing_from_a_shell_that_never_entered(shell, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAMINE")
    assert list(leaving(os.environ).lines(SHELLS["sh"])) == []
    for name, value in (LOCAL_CREDENTIALS | {"AWS_ENDPOINT_URL": URL}).items():
        monkeypatch.setenv(name, value)  # by direnv, say
    assert shell(leaving(os.environ)) == {}


@pytest.mark.parametrize("shell_name", SHELLS)
def test_no_secret_of_the_shell_is_printed(shell_name):
    environ = {"AWS_SECRET_ACCESS_KEY": "very-secret", "AWS_SESSION_TOKEN": "secret-too"}
    printed = "\n".join(entering(LOCAL, None, environ).lines(SHELLS[shell_name]))
    assert "secret-too" not in printed
    assert "very-secret" not in printed
    assert "AWS_SESSION_TOKEN" in printed

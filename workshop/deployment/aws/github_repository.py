"""A repository on GitHub, as its workflows' tokens name it: by its name, and by two numbers."""

import contextlib
import json
import os
import re
from dataclasses import dataclass
from urllib.error import HTTPError

from workshop import git, https
from workshop.errors import UsageError, WorkshopError
from workshop.paths import ROOT

API = f"{os.environ.get('GITHUB_API_URL', 'https://api.github.com')}/repos/"
TIMEOUT_SECONDS = 15.0

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
_REMOTE = re.compile(
    r"(?:https://(?:[^@/]*@)?|ssh://git@|git@)github\.com[:/](?P<name>[^/]+/[^/]+?)(?:\.git)?/?"
)


@dataclass(frozen=True)
class Repository:
    """A repository.

    Attributes:
        name: Its owner's name and its own, such as ``acme/orders``, in GitHub's capitals.
        owner_id: GitHub's number of the owner; nobody else ever gets it, unlike the name.
        repository_id: GitHub's number of the repository.
    """

    name: str
    owner_id: int
    repository_id: int


def of_checkout() -> str:
    """The name of the repository that this checkout came from.

    Raises:
        UsageError: It came from elsewhere than GitHub.
    """
    found = None
    with contextlib.suppress(UsageError):  # without git nobody knows
        found = name_in(git.run(ROOT, "remote", "get-url", "origin", check=False).strip())
    if found is None:
        raise UsageError(
            "This checkout has no `origin` on GitHub: name the repository that shall deploy, "
            'ARGS="--repository owner/name"'
        )
    return found


def name_in(url: str) -> str | None:
    """The repository that a git address leads to, if it is one on GitHub."""
    found = _REMOTE.fullmatch(url)
    return found["name"] if found else None


def look_up(name: str, api: str = API) -> Repository:
    """Ask GitHub for a repository's numbers; it knows the right capitals, too.

    Raises:
        UsageError: It is no repository's name.
        WorkshopError: GitHub cannot be reached, or does not show the repository to everybody.
    """
    check(name)
    from urllib.request import Request

    request = Request(  # noqa: S310 - the address is ours
        api + name, headers={"Accept": "application/vnd.github+json"}
    )
    try:
        with https.opener(api).open(request, timeout=TIMEOUT_SECONDS) as answer:
            response = json.load(answer)
        return Repository(
            str(response["full_name"]), int(response["owner"]["id"]), int(response["id"])
        )
    except HTTPError as error:
        error.close()
        why = f"GitHub does not tell the numbers of {name} ({error})."
        if error.code == 404:
            why = f"GitHub shows no {name} to everybody: it is private, or there is none."
        raise WorkshopError(f"{why} {_another_way(name)}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = f"GitHub does not tell the numbers of {name} ({error})."
        raise WorkshopError(f"{why} {_another_way(name)}") from error


def _another_way(name: str) -> str:
    return (
        f"Somebody who may see it asks with `gh api repos/{name} --jq '[.owner.id, .id]'`; then "
        f'give them: ARGS="--repository {name} --owner-id … --repository-id …"'
    )


def check(name: str) -> None:
    """Make sure that a name is a repository's.

    Raises:
        UsageError: It is not.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no repository: its form is owner/name.")

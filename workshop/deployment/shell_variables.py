"""What `make env` changes in a shell, and how `--unset` takes exactly that back.

The shell keeps a variable's earlier value in one beginning with ``WORKSHOP_BEFORE_``. No such value
is printed: the lines only name variables, because one may be a secret.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from workshop.deployment.target import LOOPBACK, Target

ENTERED = "WORKSHOP_ENV"
"""Names the variables that `make env` has set in this shell."""
BEFORE = "WORKSHOP_BEFORE_"

_HARMLESS = ("AWS_CLI_", "AWS_DEFAULT_OUTPUT")
"""Settings of AWS tools that only change how answers look."""


class Shell(NamedTuple):
    """How a shell sets a variable, unsets one, and copies one to another."""

    set: str
    unset: str
    copy: str


SHELLS = {
    "sh": Shell("export {}='{}'", "unset {}", 'export {}="${}"'),
    "fish": Shell("set -gx {} '{}'", "set -e {}", 'set -gx {} "${}"'),
    "powershell": Shell("$env:{} = '{}'", "Remove-Item Env:{}", "$env:{} = $env:{}"),
}


@dataclass(frozen=True)
class _Copy:
    """The value that a variable has now."""

    of: str


def entering(target: Target, api_endpoint: str | None, environ: Mapping[str, str]) -> "Changes":
    """Return what leads AWS tools to a stack, whatever the shell has set.

    Args:
        target: The stack's.
        api_endpoint: Its API's address; None when it has none.
        environ: The shell's variables.
    """
    changes = leaving(environ)
    values = target.exports() | ({"API_ENDPOINT": api_endpoint} if api_endpoint else {})
    state = changes.state
    misleading = [name for name in state if target.own and _misleads(name) and name not in values]
    for name in [each for each in (*values, *misleading) if each in state]:
        state[f"{BEFORE}{name}"] = state.pop(name)
    state |= values | {ENTERED: " ".join(values)}
    return changes


def leaving(environ: Mapping[str, str]) -> "Changes":
    """Return what takes back everything that `entering` has changed, and nothing else.

    Args:
        environ: The shell's variables.
    """
    state: dict[str, str | _Copy] = {name: _Copy(name) for name in environ}
    ours = set(environ[ENTERED].split()) if ENTERED in environ else _recognised(environ)
    for name in ours | {ENTERED}:
        state.pop(name, None)
    for saved in [name for name in environ if name.startswith(BEFORE)]:
        value = state.pop(saved)
        state.setdefault(saved.removeprefix(BEFORE), value)  # unless set since, by the user
    return Changes(environ, state)


class Changes:
    """From a shell's variables to others.

    Attributes:
        state: Name → value, or the variable that has the value now.
    """

    def __init__(self, environ: Mapping[str, str], state: dict[str, str | _Copy]) -> None:
        """Take the variables as they are and as they shall be."""
        self._environ = environ
        self.state = state

    def lines(self, shell: Shell) -> Iterator[str]:
        """Yield the lines that a shell is to run."""
        copies = {
            name: value.of
            for name, value in self.state.items()
            if isinstance(value, _Copy) and value.of != name
        }
        for name, source in copies.items():
            yield shell.copy.format(name, source)
        for name in self._environ:
            if name not in self.state:
                yield shell.unset.format(name)
        for name, value in self.state.items():
            if isinstance(value, str):
                yield shell.set.format(name, value)


def _misleads(name: str) -> bool:
    return name.startswith("AWS_") and not name.startswith(_HARMLESS)


def _recognised(environ: Mapping[str, str]) -> set[str]:
    """Return what a local cloud's variables are, in a shell that got them in another way."""
    local = Target.local("", environ.get("AWS_ENDPOINT_URL", "")).exports()
    if not any(f"//{host}:" in local.get("AWS_ENDPOINT_URL", "") for host in LOOPBACK):
        return set()
    return {name for name, value in local.items() if environ.get(name) == value}

"""RevisionIds: each change of a function, a version or an alias gives it a new one.

AWS: PublishVersion changes the RevisionId of `$LATEST`; AddPermission and RemovePermission change
that of what they name. MiniStack 1.5.33 keeps it, and takes the RevisionId as a sign of whether the
function has changed since its latest version.

Source: LocalStack's recorded answers (TestLambdaRevisions).
"""

from typing import Any

from ministack.core.responses import new_uuid

Function = dict[str, Any]


def current(func: Function, qualifier: str | None) -> str:
    """Return the RevisionId of a function, or of its version or alias.

    Args:
        func: MiniStack's record of the function.
        qualifier: A version or an alias; None for the function itself.
    """
    found: str = _holder(func, qualifier)["RevisionId"]
    return found


def renew(func: Function, qualifier: str | None = None) -> None:
    """Give a function, or its version or alias, a new RevisionId; arguments as for `current`."""
    holder = _holder(func, qualifier)
    old, holder["RevisionId"] = holder["RevisionId"], new_uuid()
    if holder is not func["config"]:
        return
    for version in func["versions"].values():
        if version.get("function_revision") == old:  # the code has not changed since
            version["function_revision"] = holder["RevisionId"]


def _holder(func: Function, qualifier: str | None) -> dict[str, Any]:
    if qualifier in func["aliases"]:
        alias: dict[str, Any] = func["aliases"][qualifier]
        return alias
    if qualifier in func["versions"]:
        version: dict[str, Any] = func["versions"][qualifier]["config"]
        return version
    config: dict[str, Any] = func["config"]
    return config

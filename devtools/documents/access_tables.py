"""The tables of docs/permissions.md: what each role may do, and what AWS does with it."""

from collections import defaultdict
from collections.abc import Iterable

from devtools.security import access
from devtools.security.access import Grant
from workshop.errors import UsageError

COLUMNS = {
    "tables and indexes": ("table ", "index "),
    "bus": ("bus",),
    "dead-letter queues": ("queue ",),
    "functions": ("function ",),
}
"""Heading → how its resources begin."""

NONE = "–"


def access_table(name: str) -> str:
    """Return a table in Markdown.

    Args:
        name: `matrix`: role × resources; `aws`: the statements for AWS's own services.

    Raises:
        UsageError: There is no such table.
    """
    match name:
        case "matrix":
            return _matrix()
        case "aws":
            return _for_aws()
    raise UsageError(f"there is no table {name!r}")


def _matrix() -> str:
    by_role: dict[str, list[Grant]] = defaultdict(list)
    for grant in access.in_terraform():
        by_role[grant.role].append(grant)
    rows = [
        [f"`{role}`", *(_cell(grants, starts) for starts in COLUMNS.values())]
        for role, grants in by_role.items()
    ]
    return _table(["role", *COLUMNS], rows)


def _for_aws() -> str:
    rows = []
    for sid, why in access.FOR_AWS.items():
        grants = [each for each in access.in_terraform() if each.sid == sid]
        consumers = {each.role for each in grants} == set(access.consumers())
        on = {each.resource.replace(f"queue {each.role}-", "its own queue ") for each in grants}
        rows.append(
            [
                f"`{sid}`",
                "each consumer" if consumers else "each function",
                ", ".join(sorted({each.action for each in grants})),
                ", ".join(sorted(on)).replace("*", "`*`"),
                why,
            ]
        )
    return _table(["statement", "in the role of", "actions", "on", "why"], rows)


def _cell(grants: Iterable[Grant], starts: tuple[str, ...]) -> str:
    """Return the permissions for resources of a kind: those with the same actions together."""
    by_resource: dict[str, list[str]] = defaultdict(list)
    for each in grants:
        if each.resource.startswith(starts):
            action = each.action.partition(":")[2]
            source, _, kind = each.event.partition(" ")
            only = f", only `{kind}` of `{source}`" if kind else ""
            by_resource[each.resource].append(f"{action}{only}")
    by_actions: dict[str, list[str]] = defaultdict(list)
    for resource, actions in by_resource.items():
        by_actions[", ".join(sorted(actions))].append(resource)
    parts = [f"{_named(resources)}{actions}" for actions, resources in by_actions.items()]
    return "<br>".join(parts) or NONE


def _named(resources: list[str]) -> str:
    """Return the names of resources, before what may be done with them."""
    names = {each.partition(" ")[2] for each in resources}
    queues = {f"{each}-{kind}" for each in access.consumers() for kind in access.KINDS}
    functions = {f"{each}{access.ALIAS}" for each in access.consumers()}
    if resources == ["bus"]:
        return ""
    if names == queues:
        return "both of each consumer: "
    if names == functions:
        return f"`{access.ALIAS.strip(':')}` of each consumer: "
    return f"{', '.join(f'`{each}`' for each in sorted(names))}: "


def _table(heads: list[str], rows: Iterable[list[str]]) -> str:
    rule = "|" + "---|" * len(heads)
    head, *body = (f"| {' | '.join(line)} |" for line in [heads, *rows])
    return "\n".join([head, rule, *body])

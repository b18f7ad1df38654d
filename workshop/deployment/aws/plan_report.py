"""The report of a plan: a headline, what is destroyed, and a table of the changes.

It has no values of attributes: they may be personal, and a pull request may be public.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workshop.stages import stage_of

LIMIT = 60_000
"""Characters of a report; GitHub takes 65,536 in a comment (its API's own error says so)."""

COST = (
    "Cost: no servers, nothing by the hour. Idle, well under 1 USD a month (stored logs, backups "
    "of small tables){}; in use, about 35 USD per million orders (docs/cost.md)."
)
ALARMS = " and about 6 USD for the alarms (0.10 each, the account's first ten free)"
"""What stage 5 adds to the cost, by AWS's price list of 2026."""

Change = dict[str, Any]
"""A resource in a plan (developer.hashicorp.com, JSON output format)."""

ACTIONS = {
    ("delete",): "destroy",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("update",): "change",
    ("create",): "add",
    ("forget",): "forget",
}
"""Terraform's actions → one word; what is unchanged, or only read, has none."""

_LOSES = ("destroy", "replace")
_PLAIN_KEY = re.compile(r'"[\w./-]+"|\d+')


@dataclass(frozen=True)
class Line:
    """A resource that a plan touches.

    Attributes:
        module: The modules it lies in, such as ``payment.payment_function``; empty in the root.
        kind: Its type, such as ``lambda_function``.
        name: Its name in the configuration, with its key when there are several.
        action: ``add``, ``change``, ``replace``, ``destroy`` or ``forget``.
    """

    module: str
    kind: str
    name: str
    action: str

    @property
    def address(self) -> str:
        """Its address in the configuration."""
        return ".".join(filter(None, (self.module, self.kind, self.name)))


def touched(changes: Sequence[Change]) -> list[tuple[Change, str]]:
    """Return those of a plan's `resource_changes` that change anything, each with its action."""
    named = ((each, ACTIONS.get(tuple(each["change"]["actions"]))) for each in changes)
    return [(each, action) for each, action in named if action]


def lines(plan: dict[str, Any]) -> list[Line]:
    """What a plan in Terraform's JSON form would touch: what is lost first, then by module."""
    found = [_line(each, action) for each, action in touched(plan.get("resource_changes", []))]
    return sorted(found, key=lambda each: (each.action not in _LOSES, each.module, each.kind))


def drifted(plan: dict[str, Any]) -> list[Line]:
    """What a plan puts right because it is other than Terraform left it.

    What differs but is left alone, such as the version an alias was moved to, is no drift. Neither
    is a resource that the plan changes for another reason: a release gives a function a version.
    """
    changes = {each["address"]: each for each, _ in touched(plan.get("resource_changes", []))}
    found = plan.get("resource_drift", [])
    return [
        _line(each, "changed outside")
        for each in found
        if (change := changes.get(each["address"])) and _differing(each) & _differing(change)
    ]


def _differing(change: Change) -> set[str]:
    """Return the attributes that a change gives another value, as far as the values are known."""
    before, after = change["change"]["before"] or {}, change["change"]["after"] or {}
    unknown = change["change"].get("after_unknown") or {}
    names = {*before, *after} - {name for name, is_unknown in unknown.items() if is_unknown is True}
    # An attribute without a value may be null once, and empty the next time.
    return {name for name in names if (before.get(name) or None) != (after.get(name) or None)}


def headline(added: int, changed: int, destroyed: int) -> str:
    """A plan in numbers, in Terraform's own words."""
    text = f"Plan: {added} to add, {changed} to change, {destroyed} to destroy"
    return text if added or changed or destroyed else "Plan: no changes"


def counts(found: Sequence[Line]) -> tuple[int, int, int]:
    """How many are added, changed and destroyed; a replaced one is both added and destroyed."""
    count = Counter(each.action for each in found)
    replaced = count["replace"]
    return count["add"] + replaced, count["change"], count["destroy"] + replaced


def lost(found: Sequence[Line]) -> list[Line]:
    """What goes, with all that it holds."""
    return [each for each in found if each.action in _LOSES]


def cost(stage: int, *, local: bool) -> str:
    """What a stack costs."""
    if local:
        return "Cost: none here."
    return COST.format(ALARMS if stage >= stage_of("redrive") else "")


def markdown(
    plan: dict[str, Any], *, prefix: str, region: str, stage: int, commit: str, local: bool
) -> str:
    """The report, at most `LIMIT` characters long.

    Args:
        plan: The plan in Terraform's JSON form (developer.hashicorp.com, JSON output format).
        prefix: Start of the stack's names.
        region: Where it is.
        stage: How far it is built.
        commit: What it is deployed from.
        local: Whether this is a rehearsal, which costs nothing.
    """
    found = lines(plan)
    first = [f"### {headline(*counts(found))}", ""]
    first += [f"Stack `{prefix}`, region {region}, stage {stage}, commit {commit}.", ""]
    if gone := len(lost(found)):
        first += [f"**{gone} destroyed or replaced, with all that they hold.**", ""]
    outside = drifted(plan)
    if outside:
        first += ["Not as Terraform left it:", ""]
    last = ["", cost(stage, local=local), ""]
    head = ["| module | kind | name | action |", "|---|---|---|---|"] if found else []
    room = LIMIT - 200 - sum(len(each) + 1 for each in [*first, *head, *last])
    drift = _fitting([_bullet(each) for each in outside], room // 4)
    rows = _fitting([_row(each) for each in found], room - sum(len(each) + 1 for each in drift))
    return "\n".join([*first, *drift, *([""] if drift else []), *head, *rows, *last])


def _fitting(rows: Sequence[str], room: int) -> list[str]:
    """As many lines as there is room for; then, how many more there are."""
    shown: list[str] = []
    for row in rows:
        room -= len(row) + 1
        if room < 0:
            return [*shown, "", f"… and {len(rows) - len(shown)} more."]
        shown.append(row)
    return shown


def _row(line: Line) -> str:
    cells = [line.module, line.kind, line.name, line.action]
    if line.action in _LOSES:
        cells = [f"**{each}**" if each else "" for each in cells]
    return f"| {' | '.join(cells)} |"


def _bullet(line: Line) -> str:
    return f"- {line.address}"


def _line(change: Change, action: str) -> Line:
    modules = re.findall(r"module\.(\w+)(\[[^\]]*\])?", change.get("module_address", ""))
    path = ".".join(name + _shown(key[1:-1]) for name, key in modules)
    key = change.get("index")
    text = "" if key is None else _shown(f'"{key}"' if isinstance(key, str) else str(key))
    return Line(path, change["type"].removeprefix("aws_"), change["name"] + text, action)


def _shown(key: str) -> str:
    """A resource's key among its like; hidden when it could be an address or anything personal."""
    if key in {"", "0"}:
        return ""
    return f"[{key.strip(chr(34))}]" if _PLAIN_KEY.fullmatch(key) else "[…]"

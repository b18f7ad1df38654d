"""The generated parts of docs/reliability.md: what is tried, how much, and what was found."""

from collections.abc import Iterator

from devtools.reliability.record import RECORDS, Record, read
from workshop.errors import UsageError

ORDER = (
    *("simulation", "planted-bugs", "wire", "api", "mutants"),
    *("permissions", "soak"),
)
"""The suites in the report's order; others follow by name."""


def suites() -> str:
    """Return a section for each suite's record: figures, defects, and what it does not cover."""
    return "\n\n".join("\n".join(_section(record)) for record in _records())


def covered() -> str:
    """Return a list of all that no suite covers."""
    return "\n".join(f"- {each}" for record in _records() for each in record.not_covered)


def defects() -> str:
    """Return a list of all defects that the suites found."""
    found = [
        f"- {each['what']} ([{record.title}](#{_anchor(record.title)}); `{each['test']}`)"
        for record in _records()
        for each in record.found
    ]
    return "\n".join(found) or "None."


def list_of(name: str) -> str:
    """Return the simulation's invariants or faults as a list.

    Raises:
        UsageError: It is neither `invariants` nor `faults`.
    """
    from tests.simulation.claims import Invariant  # noqa: PLC0415
    from tests.simulation.faults import MEANINGS  # noqa: PLC0415 - only this list needs them

    if name == "invariants":
        return "\n".join(f"- {_sentence(each.value)}" for each in Invariant)
    if name == "faults":
        return "\n".join(f"- **{each.value}**: {meaning}." for each, meaning in MEANINGS.items())
    raise UsageError("the simulation has invariants and faults")


def _records() -> list[Record]:
    records = {path.stem: read(path) for path in sorted(RECORDS.glob("*.json"))}
    names = [*(name for name in ORDER if name in records), *sorted(records.keys() - set(ORDER))]
    return [records[name] for name in names]


def _section(record: Record) -> Iterator[str]:
    yield f"### {record.title}"
    yield ""
    yield from record.what
    yield ""
    yield f"Repeat it with `{record.command}`."
    yield ""
    yield "| what | value |"
    yield "|---|---|"
    for figure in record.figures:
        value = figure["value"]
        shown = f"{value:,}" if isinstance(value, int | float) else str(value)
        yield f"| {figure['name']} | {shown} |"
    for plot in record.plots:
        yield ""
        yield f"![{record.title}]({plot.removeprefix('docs/')})"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-").replace("'", "").replace(",", "")

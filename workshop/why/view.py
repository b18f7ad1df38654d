"""Format the answers to "why did my event not arrive?" for the terminal."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from workshop.console import PLAIN_WIDTH
from workshop.why.answers import RuleAnswer
from workshop.why.events import Asked
from workshop.why.explanation import Event

_TYPE = "detail-type"


def heading(event: Event) -> str:
    """Return an event in one line: its type, its source and its ids."""
    metadata = event["detail"].get("metadata")
    identity = metadata.get("event_id") if isinstance(metadata, dict) else None
    ids = (str(each) for each in (identity, event.get("id")) if each)
    return "  ".join([event[_TYPE], f"from {event['source']}", *ids])


def answers_table(answers: Sequence[RuleAnswer], *, width: int = PLAIN_WIDTH) -> Table:
    """Return a table of the rules: a line for each field that refuses the event.

    If a rule matches, those for other types of events have one line only.

    Args:
        answers: One for each rule.
        width: The columns of the terminal.
    """
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("function", "rule", "field"):
        table.add_column(name, no_wrap=width >= PLAIN_WIDTH)
    for name in ("event has", "rule accepts", "change"):
        table.add_column(name, overflow="fold")
    for each in answers:
        first = [each.function or each.rule, verdict(each)]
        style = _style(each)
        if is_short(each, answers):
            refused = next(field for field in each.refusals if field.path == _TYPE)
            table.add_row(*first, _TYPE, refused.has, refused.accepts, "", style=style)
            continue
        for refused in each.refusals:
            fields = (refused.path, refused.has, refused.accepts, refused.change)
            table.add_row(*first, *fields, style=style)
            first = ["", ""]
        if not each.refusals:
            table.add_row(*first, style=style)
    return table


def is_short(answer: RuleAnswer, answers: Sequence[RuleAnswer]) -> bool:
    """Return whether a rule is for another type of events, while other rules match this one."""
    return any(each.matched for each in answers) and any(
        field.path == _TYPE for field in answer.refusals
    )


def remarks(answers: Sequence[RuleAnswer]) -> Iterator[str]:
    """Yield what there is to say beside the fields, a line for each rule."""
    for each in answers:
        said = [each.permission]
        if each.enabled and each.outcome and each.outcome != verdict(each):
            said.insert(0, f"{each.outcome}.")
        if not is_short(each, answers):
            said.append(each.note)
        if text := " ".join(filter(None, said)):
            yield f"{each.function or each.rule}: {text}"


def verdict(answer: RuleAnswer) -> str:
    """Return what happened to an event at a rule, or what would happen, in a word or two."""
    if answer.arrived:
        return "delivered"
    if answer.matched and answer.arrived is False:
        return "not delivered"
    if answer.outcome:
        return "not yet"
    if not answer.enabled:
        return "disabled" if answer.matched else "no rule" if not answer.refusals else "no match"
    if answer.permission:
        return "no permission"
    return "matches" if answer.matched else "no match"


def _style(answer: RuleAnswer) -> str:
    verdict_of = verdict(answer)
    if verdict_of == "no match":
        return "yellow" if len(answer.refusals) == 1 else "dim"
    return "green" if verdict_of in {"delivered", "matches"} else "red"


def other_bus(asked: Asked, bus: str) -> str:
    """Return that an event goes to another bus than the stack's; empty if it does not."""
    if not asked.bus or asked.bus.rpartition("/")[2] == bus:
        return ""
    return (
        f"The event goes to the bus {asked.bus}, and the rules are on the bus {bus}. "
        f"Set EventBusName to {bus}."
    )

"""The system as a diagram, stage by stage, from the same files that Terraform deploys."""

from devtools.documents import events
from devtools.documents.events import Function, Variant
from workshop.errors import UsageError
from workshop.paths import RELEASE_STAGE, STAGES
from workshop.stages import flow

_HEAD = "flowchart LR"
_ENDS = ("  client([customer])", "  bus{{EventBridge bus}}")

_LEGEND = "\n\nYellow: added by this stage."
# Dark text on a light background, in every theme of the page.
_NEW = "  classDef new fill:#ffe082,stroke:#b26a00,stroke-width:2px,color:#1a1a1a"

_SAFETY_NET = """\
  archive[(archive)]
  queues[["two dead-letter queues<br>for each consumer"]]
  redrive[redrive]
  bus --- archive
  bus -. "cannot be delivered" .-> queues
  consumers -. "fails for good" .-> queues
  queues -- "make redrive" --> redrive
  redrive -- "to the function that failed" --> consumers"""
"""The parts of stage 5 that publish no events, drawn once for all consumers."""

_PIPELINE = """\
  change([pull request]) --> tests[every test]
  change --> comment["plan as<br>a comment"]
  merge([merge]) --> again["every test,<br>plan"] --> approval{{approval}}
  approval --> apply["apply:<br>new code,<br>not live yet"] --> release["release:<br>aliases move"]
  release --> smoke{"order<br>arrives?"}
  smoke -- yes --> live([live])
  smoke -- no --> back["aliases<br>move back"]
  caller["rules, API,<br>schedule, redrive"] --> alias([alias live])
  alias -- "after a release" --> now[version 2]
  alias -. "before it" .-> before[version 1]
  class change,tests,comment,merge,again,approval,apply,release,smoke,live,back,alias new"""
"""Stage 6: how a change becomes live, and which version the callers invoke."""


def diagram(stage: int) -> str:
    """Return a Mermaid diagram of the system.

    Args:
        stage: its own parts are marked.

    Raises:
        UsageError: There is no such stage.
    """
    if stage not in STAGES:
        raise UsageError(f"there is no stage {stage}")
    if stage == RELEASE_STAGE:
        return _drawn([_HEAD, *_PIPELINE.splitlines(), _NEW]) + _LEGEND
    lines = _flow(stage) if stage in tables() else _safety_net(stage)
    return _drawn([*lines, _NEW]) + _LEGEND


def tables() -> dict[int, str]:
    """Return stage → the table it brings."""
    return {each.stage: each.name.capitalize() for each in flow().tables.values()}


def _drawn(lines: list[str]) -> str:
    return "\n".join(["```mermaid", *lines, "```"])


def _flow(stage: int) -> list[str]:
    """Functions, the bus between them, and their tables, as of a stage."""
    present = _present(stage)
    lines = [_HEAD, *_ENDS, *(_box(each) for each in present)]
    lines += [
        f"  {_table(each)}[({each})]" for stage_of, each in tables().items() if stage_of <= stage
    ]
    lines.append(_ordered(present[0]))
    for function in present:
        if sent := _sent(function):
            lines.append(f'  {_id(function)} -- "{sent}" --> bus')
        if function.pattern:
            lines.append(f'  bus -- "{_received(function)}" --> {_id(function)}')
    lines += [f"  {_id(each)} --- {_table(_table_of(each))}" for each in present]
    new = [_id(each) for each in present if _stage(each) == stage]
    new += [_table(tables()[stage]), *(["bus"] if stage == 1 else [])]
    return [*lines, f"  class {','.join(new)} new"]


def _safety_net(stage: int) -> list[str]:
    """Return the consumers as one node, with the queues and the redrive of all of them."""
    present = _present(stage)
    announcers = [each for each in present if not each.pattern]
    consumers = "<br>".join(each.key for each in present if each.pattern)
    orders, *others = (each for of, each in tables().items() if of < stage)
    new = [_id(each) for each in announcers if _stage(each) == stage]
    return [
        *(_HEAD, *_ENDS, *(_box(each) for each in announcers)),
        f'  consumers["{consumers}"]',
        f'  tables[("{"<br>".join(others)}")]',
        f"  {_table(orders)}[({orders})]",
        _ordered(present[0]),
        *(f'  {_id(each)} -- "{_sent(each)}" --> bus' for each in announcers),
        '  bus -- "events" --> consumers',
        '  consumers -- "events" --> bus',
        f"  {' & '.join(_id(each) for each in announcers)} --- {_table(orders)}",
        f"  {_table(orders)} --- consumers",
        "  consumers --- tables",
        *_SAFETY_NET.splitlines(),
        f"  class {','.join([*new, 'archive', 'queues', 'redrive'])} new",
    ]


def _box(function: Function) -> str:
    return f"  {_id(function)}[{function.key}]"


def _ordered(function: Function) -> str:
    """Return the start of the flow."""
    return f'  client -- "POST /orders" --> {_id(function)}'


def _present(stage: int) -> list[Function]:
    return [each for each in events.functions() if _stage(each) <= stage]


def _stage(function: Function) -> int:
    return int(function.stage[:2])


def _table_of(function: Function) -> str:
    """Return the table of a function's stage; the reconciler reads the orders."""
    return tables().get(_stage(function), tables()[1])


def _id(function: Function) -> str:
    return function.key.replace("-", "_")


def _table(name: str) -> str:
    return f"table_{name.lower()}"


def _sent(function: Function) -> str:
    """Return what a function publishes: the type, or its only kind if others publish the rest."""
    kinds = [each for each in events.variants() if function in events.senders(each)]
    if len(kinds) == 1:
        return kinds[0].label
    return function.sends or ""


def _received(function: Function) -> str:
    received = [each for each in events.variants() if function in events.receivers(each)]
    types = list(dict.fromkeys(each.type for each in received))
    if len(received) == len(events.variants()):
        return "all events"
    return ", ".join(_kinds(each, received) for each in types)


def _kinds(event_type: str, received: list[Variant]) -> str:
    kinds = [each for each in received if each.type == event_type]
    if len(kinds) == len(events.of_type(event_type)):
        return event_type
    return f"{event_type}: {', '.join(each.status or each.step for each in kinds)}"

"""Why an event did not arrive: rule by rule the pattern, the permission and the function."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from orderflow.contract import types
from workshop.board.event_list import EventLine
from workshop.board.masking import masked
from workshop.board.page import Board, form
from workshop.board.views.events import function_keys
from workshop.deployment.stack import Stack
from workshop.errors import EXPECTED, UsageError
from workshop.event_patterns import matches
from workshop.stages import flow
from workshop.why import answers, events, view
from workshop.why.answers import RuleAnswer
from workshop.why.events import Asked
from workshop.why.explanation import Event
from workshop.why.sentence import is_other_type, sentence

MOST = 10
"""The most events that are answered at once; the page says how many more there are."""

SHORTEST = 6
"""Characters of the start of an id at least."""

NO_REPAIRS: Mapping[str, str] = MappingProxyType({})

_GOOD = frozenset({"delivered", "matches"})
_QUIET = frozenset({"no match", "not yet"})


@dataclass(frozen=True)
class _Answered:
    """An event and its answers, as the page shows them."""

    detail_type: str
    source: str
    identity: str
    key: str
    elsewhere: str
    first: str
    rules: list[dict[str, Any]]
    others: list[dict[str, Any]]


def routes(board: Board) -> list[BaseRoute]:
    """Return the view's routes."""
    why = _Why(board)
    return [Route("/why", why.page), Route("/why", why.pasted, methods=["POST"])]


class _Why:
    def __init__(self, board: Board) -> None:
        self._board = board

    async def page(self, request: Request) -> Response:
        """Answer for the event or the order in the address, and offer a form for any other."""
        what = ""
        for name in ("event", "order"):
            what = what or request.query_params.get(name, "").strip()
        html = ""
        lines = self._found(what) if what else []
        chosen = request.query_params.get("function", "")
        try:
            if what:
                html = await self._of_lines(what, lines, chosen)
        except EXPECTED as error:
            html = self._board.render("error.html", message=str(error))
        order_id = lines[0].order_id if lines else ""
        return await self._board.page(
            request,
            "why.html",
            what=what,
            functions=[each.key for each in flow().functions.values() if each.consumes],
            chosen=chosen,
            answers=html,
            order_id=order_id,
            siblings=self._board.feed.events.of_order(order_id)[-MOST:] if order_id else [],
            key=lines[-1].key if lines else "",
        )

    async def pasted(self, request: Request) -> Response:
        """Answer for the event in the form."""

        async def html() -> str:
            text = (await form(request)).get("json", "")
            if not text.strip():
                raise UsageError("Paste an event, or an entry of PutEvents, as JSON.")
            return await self._answer([(each, "") for each in events.parse(text, "The text")])

        return await self._board.result(html())

    def _found(self, what: str) -> list[EventLine]:
        """Return the newest event with an id, of an order, or of a type or step.

        The start of an id is enough, as the lists show it.
        """
        stored = self._board.feed.events
        if (line := stored.get(what)) is not None:
            return [line]
        newest = list(stored.newest_first())
        same = [each for each in newest if each.origin.identity == what]
        same = same or stored.of_order(what)[-1:]
        same = same or [
            each for each in newest if each.logged and what in {each.origin.detail_type, each.step}
        ]
        start = what.rstrip(".…")
        if not same and len(start) >= SHORTEST:
            same = [each for each in newest if each.order_id.startswith(start)]
            same = same or [each for each in newest if each.key.startswith(start)]
        return same[:1]

    async def _of_lines(self, what: str, lines: list[EventLine], chosen: str) -> str:
        if not lines:
            raise UsageError(
                f"The board stores no event and no order {what:.80}. It has only the newest ones. "
                "Type an id, or a type such as OrderCreated."
            )
        keys = await function_keys(self._board)
        direct = [each for each in lines if each.is_direct]
        if direct:
            return self._board.render(
                "why_direct.html", line=direct[0], consumers=direct[0].consumers(keys)
            )
        if any(each.logged is None for each in lines):
            raise UsageError("This event never reached the bus, so no rule has seen it.")
        if any("detail" not in each.content for each in lines):
            raise UsageError("The detail of this event is too deep to be read.")
        own = (await self._board.stack()).target.own
        repairs = {
            consumer.name: consumer.repair for each in lines for consumer in each.consumers(keys)
        }
        asked = [(_asked(each, own=own), each.key) for each in lines]
        return await self._answer(asked, repairs=repairs, chosen=chosen)

    async def _answer(
        self,
        asked: list[tuple[Asked, str]],
        repairs: Mapping[str, str] = NO_REPAIRS,
        chosen: str = "",
    ) -> str:
        def run(stack: Stack) -> list[_Answered]:
            return [_answered(stack, each, key, repairs, chosen) for each, key in asked[:MOST]]

        found = await self._board.do(run)
        return self._board.render("why_answers.html", found=found, hidden=len(asked) - len(found))


def _asked(line: EventLine, *, own: bool) -> Asked:
    """Return what is asked about an event of the list.

    Args:
        line: The event, which reached the bus.
        own: Whether the local cloud knows which rules matched it.
    """
    rules = line.logged.rules if line.logged and own else None
    return Asked(dict(line.content), rules=rules)


def _answered(
    stack: Stack, asked: Asked, key: str, repairs: Mapping[str, str], chosen: str
) -> _Answered:
    try:
        found = answers.why(stack, asked.event, matches, sent=asked.rules)
    except ValueError as error:
        raise UsageError(f"EventBridge refuses this event: {error}") from error
    found = [_repaired(each, repairs.get(each.function, "")) for each in found]
    first = [each for each in found if chosen and each.function == chosen]
    found = [*first, *(each for each in found if each not in first)]
    short = [each for each in found if view.is_short(each, found) and each not in first]
    metadata = asked.event["detail"].get("metadata")
    identity = metadata.get("event_id") if isinstance(metadata, dict) else ""
    return _Answered(
        detail_type=asked.event["detail-type"],
        source=asked.event["source"],
        identity=identity if isinstance(identity, str) else "",
        key=key,
        elsewhere=view.other_bus(asked, stack.outputs.event_bus_name),
        first=" ".join(sentence(each, asked.event) for each in first),
        rules=_shown((each for each in found if each not in short), asked.event),
        others=_shown(short, asked.event),
    )


def _repaired(answer: RuleAnswer, repair: str) -> RuleAnswer:
    """Return an answer that also says how the function has processed the event later."""
    if not repair or answer.arrived:
        return answer
    outcome = f"{answer.outcome or 'not delivered'}, then {repair} with success"
    return replace(answer, outcome=outcome, arrived=True)


def _shown(found: Iterable[RuleAnswer], event: Event) -> list[dict[str, Any]]:
    return [
        {
            "answer": each,
            "verdict": (verdict := view.verdict(each)),
            "mood": "good" if verdict in _GOOD else "quiet" if verdict in _QUIET else "bad",
            "other_type": (other := is_other_type(each, types(), event)),
            "changed": _indented(each.changed) if each.changed and not other else "",
        }
        for each in found
    ]


def _indented(event: dict[str, Any]) -> str:
    return json.dumps(masked(event), indent=2, ensure_ascii=False)

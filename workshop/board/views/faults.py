"""Inject faults, kill a function, and switch the payment gateway."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from local_cloud.delivery.fault_injection import LONGEST_HOLD, MOST_COPIES
from orderflow.contract import types
from workshop.board.page import Board, form
from workshop.deployment.local import injected_faults
from workshop.deployment.local.injected_faults import MOST_KILLS, Faults
from workshop.deployment.release import gateway_switch
from workshop.deployment.stack import Stack
from workshop.errors import EXPECTED, UsageError, WorkshopError
from workshop.stages import flow

_SHARES = {
    "duplicate": ("Duplicate", "An event is delivered more than once."),
    "delay": ("Delay", "An event is delivered late."),
    "reorder": ("Reorder", "An event waits a moment, so that later events overtake it."),
    "drop": ("Drop", "An event is lost: no retry, no dead letter."),
    "refuse": ("Refuse", "Lambda refuses EventBridge's attempt, and EventBridge tries again."),
}
"""Fault → its name and what it does."""


def routes(board: Board) -> list[BaseRoute]:
    """Return the view's routes, and the stream of pages that show only the banners live."""
    view = _Faults(board)
    return [
        Route("/banners/live", view.banners),
        Route("/faults", view.page, methods=["GET"]),
        Route("/faults", view.inject, methods=["POST"]),
        Route("/faults/live", view.live),
        Route("/faults/kill", view.kill, methods=["POST"]),
        Route("/faults/gateway", view.gateway, methods=["POST"]),
        Route("/faults/clear", view.clear, methods=["POST"]),
    ]


class _Faults:
    def __init__(self, board: Board) -> None:
        self._board = board

    async def page(self, request: Request) -> Response:
        """Show the faults that are injected, and the forms."""
        await self._board.faults.refresh()
        try:
            stack = await self._board.stack()
        except EXPECTED as error:
            return await self._board.page(request, "error.html", message=str(error))
        keys = stack.outputs.function_names
        functions = [each for each in flow().functions.values() if each.key in keys]
        return await self._board.page(
            request,
            "faults.html",
            local=stack.target.own,
            faults=Faults.of(stack, self._board.faults.state.plan),
            shares=_SHARES,
            consumers=[each.key for each in functions if each.consumes],
            publishers=[each.key for each in functions if each.publishes],
            types=sorted(types()),
            gateway_stage=gateway_switch.stage(),
            limits={"copies": MOST_COPIES, "seconds": LONGEST_HOLD, "kills": MOST_KILLS},
        )

    async def live(self, request: Request) -> Response:
        """Stream the faults that are injected when they change."""
        shown = ""

        async def render(_: int) -> str:
            nonlocal shown
            if (now := self._now()) == shown:
                return ""
            shown = now
            return now

        return self._board.live(request, render)

    async def banners(self, request: Request) -> Response:
        """Stream the banners only."""

        async def nothing(_: int) -> str:
            return ""

        return self._board.live(request, nothing)

    async def inject(self, request: Request) -> Response:
        """Replace the shares; failed entries and a kill that is left stay."""

        def change(stack: Stack, given: Mapping[str, str], now: Faults) -> Faults:
            keys = stack.outputs.function_names
            return Faults(
                **{name: _number(given, name, 100) / 100 for name in _SHARES},
                copies=_whole(given, "copies"),
                seconds=_number(given, "seconds"),
                moment=_number(given, "moment"),
                seed=_whole(given, "seed"),
                functions=[key for key in keys if f"function-{key}" in given],
                detail_types=[each for each in sorted(types()) if f"type-{each}" in given],
                fail_entries=now.fail_entries,
                kill=now.kill,
                times=now.times,
            )

        return await self._change(request, change)

    async def kill(self, request: Request) -> Response:
        """Kill a function the next time it publishes; the shares stay."""

        def change(_: Stack, given: Mapping[str, str], now: Faults) -> Faults:
            return replace(now, kill=given.get("kill", ""), times=_whole(given, "times"))

        return await self._change(request, change)

    async def gateway(self, request: Request) -> Response:
        """Switch the payment gateway."""
        up = (await form(request)).get("position") == "up"

        def switch(stack: Stack) -> None:
            gateway_switch.switch(stack, up=up)

        working = f"Switching the payment gateway {'on' if up else 'off'}"
        return await self._work(working, switch)

    async def clear(self, _: Request) -> Response:
        """Inject no more faults, and switch the gateway on."""
        return await self._work("Removing all injected faults", injected_faults.clear)

    async def _change(
        self,
        request: Request,
        change: Callable[[Stack, Mapping[str, str], Faults], Faults],
    ) -> Response:
        given = await form(request)

        def run(stack: Stack) -> None:
            control = injected_faults.switch(stack)
            plan = change(stack, given, Faults.of(stack, control.faults())).plan(stack)
            if plan:
                control.set_faults(plan)
            else:
                control.clear_faults()

        return await self._work("", run)

    async def _work(self, working: str, action: Callable[[Stack], None]) -> Response:
        if refusal := self._board.refusal():
            return refusal

        async def html() -> str:
            if self._board.faults.working:
                raise WorkshopError(f"{self._board.faults.working}. Wait until that is done.")
            async with self._board.faults.work(working):
                await self._board.do(action)
            return self._board.render("faults_done.html")

        return await self._board.result(html())

    def _now(self) -> str:
        return self._board.render("faults_now.html")


def _number(given: Mapping[str, str], name: str, most: float | None = None) -> float:
    """Return a number of a form.

    Raises:
        UsageError: It is not a number, or larger than `most`.
    """
    text = given.get(name, "").strip()
    try:
        number = float(text or 0)
    except ValueError:
        number = -1.0
    if not 0 <= number <= (float("inf") if most is None else most):
        limit = "" if most is None else f" to {most:g}"
        raise UsageError(f"{name} must be a number from 0{limit}: {text!r} is not.")
    return number


def _whole(given: Mapping[str, str], name: str) -> int:
    """Return a whole number of a form.

    Raises:
        UsageError: It is not one.
    """
    text = given.get(name, "").strip()
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{name} must be a whole number: {text!r} is not.") from None

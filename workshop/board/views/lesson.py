"""A lesson's steps, done or open as the stack shows; and the current exercise."""

import hashlib
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from workshop.board import facts
from workshop.board.page import Board
from workshop.deployment.stack import cloud_name, on
from workshop.errors import EXPECTED, UsageError
from workshop.exercises import session
from workshop.exercises.catalogue import Exercise, exercises, find
from workshop.paths import STAGES, stage_folder
from workshop.progress import record, steps
from workshop.progress.overview import CHANGED
from workshop.progress.steps import Step
from workshop.stages import flow

EVERY = 2.0
"""Seconds after which the tables and the record are read again while somebody watches."""

_STOCK = "stock "


@dataclass(frozen=True)
class _State:
    """A step's number, and whether it is done.

    `when` is empty if the time is not known. `note` says why the step is open again.
    """

    number: int
    step: Step
    commands: tuple[str, ...]
    is_done: bool
    when: str
    note: str = ""


def routes(board: Board) -> list[BaseRoute]:
    """Return the view's routes."""
    view = _Lesson(board)
    return [
        Route("/lesson", view.page),
        Route("/lesson/live", view.live),
        Route("/lesson/exercises/{number}/hint", view.hint),
    ]


class _Lesson:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._facts: dict[str, facts.Facts] = {}
        """The time from which events count → what they showed."""
        self._generation = 0

    async def page(self, request: Request) -> Response:
        """Show the steps of a stage's lesson."""
        deployed = await self._deployed()
        stage = _stage(request, deployed or STAGES[0])
        parts = await self._parts(stage)
        return await self._board.page(
            request,
            "lesson.html",
            stage=stage,
            title=flow().stages[stage - 1].title,
            folder=stage_folder(stage).name,
            stages=[(each.number, each.title) for each in flow().stages],
            deployed=deployed,
            parts=parts,
            shown=",".join(map(_digest, parts.values())),
            after=self._board.feed.events.revision,
            generation=self._board.feed.generation,
        )

    async def live(self, request: Request) -> Response:
        """Stream the steps, and the exercise, that have another state."""
        stage = _stage(request, STAGES[0])
        shown = set(request.query_params.get("shown", "").split(","))

        async def render(_: int) -> str:
            nonlocal shown
            parts = await self._parts(stage)
            changed = [html for html in parts.values() if _digest(html) not in shown]
            shown = set(map(_digest, parts.values()))
            return "".join(changed)

        return self._board.live(request, render, every=EVERY)

    async def hint(self, request: Request) -> Response:
        """Show the first hint of an exercise."""

        async def html() -> str:
            exercise = await run_in_threadpool(find, request.path_params["number"])
            return self._board.render(
                "lesson_hint.html", hint=exercise.hints[0], more=len(exercise.hints) - 1
            )

        return await self._board.result(html())

    async def _parts(self, stage: int) -> dict[str, str]:
        """Return the HTML of what changes: each step, the count of those done, the exercise."""
        states = await self._states(stage)
        following = next((each.number for each in states if not each.is_done), 0)
        name = await self._cloud()
        exercise = await run_in_threadpool(_exercise, stage)
        render = self._board.render
        return {
            "count": render(
                "lesson_count.html",
                done=sum(each.is_done for each in states),
                number=len(states),
            ),
            **{
                f"step {each.number}": render(
                    "lesson_step.html", each=each, is_next=each.number == following
                )
                for each in states
            },
            "exercise": render(
                "lesson_exercise.html", command=lambda words: on(name, words), **exercise
            ),
        }

    async def _states(self, stage: int) -> list[_State]:
        read = await run_in_threadpool(steps.of_stage, stage)
        known = await self._known(stage, read)
        name = await self._cloud()
        outdated = {
            fact
            for step in read
            for fact in step.done
            if fact not in known and await run_in_threadpool(facts.was_true, fact)
        }
        return [
            _State(
                number,
                step,
                tuple(on(name, each.removeprefix("make ")) for each in step.commands),
                all(fact in known for fact in step.done),
                max(known.get(fact, "") for fact in step.done),
                CHANGED if outdated & set(step.done) else "",
            )
            for number, step in enumerate(read, 1)
        ]

    async def _known(self, stage: int, read: list[Step]) -> facts.Facts:
        """Return all facts; those that events showed stay when the board has removed the events."""
        feed = self._board.feed
        if feed.generation != self._generation:
            self._generation, self._facts = feed.generation, {}
        passed = await run_in_threadpool(facts.of_record, stage)
        skus = {
            fact.removeprefix(_STOCK)
            for step in read
            for fact in step.done
            if fact.startswith(_STOCK)
        }
        try:
            stack = await self._board.stack()
            start = await run_in_threadpool(facts.since, stack, stage)
            found, orders = await self._board.do(lambda stack: facts.of_stack(stack, skus, start))
        except EXPECTED:  # no stack is up, or its cloud does not respond
            return passed
        keys = stack.outputs.function_keys
        oldest_first = reversed(list(feed.events.newest_first()))
        shown = facts.of_events(oldest_first, keys, {each.order_id for each in orders}, start)
        known = self._facts[start] = {**shown, **self._facts.get(start, {})}
        return {**found, **known, **passed}

    async def _deployed(self) -> int:
        """Return the stack's stage; 0 if there is none."""
        try:
            return (await self._board.stack()).stage
        except EXPECTED:
            return 0

    async def _cloud(self) -> str:
        """Return the name of the stack's cloud, for the commands."""
        try:
            return (await self._board.stack()).target.name
        except EXPECTED:
            return cloud_name()


def _stage(request: Request, default: int) -> int:
    text = request.query_params.get("stage", "")
    return int(text) if text in map(str, STAGES) else default


def _digest(html: str) -> str:
    return hashlib.sha256(html.encode()).hexdigest()[:12]


def _exercise(stage: int) -> dict[str, Any]:
    """Return the exercise under way, else the first of the stage that is not solved."""
    known = record.load()
    of_stage = [each for each in exercises() if each.stage == stage]
    number = session.under_way()
    chosen: Exercise | None = None
    try:
        chosen = find(number) if number else None
    except UsageError:  # the record is of another commit
        number = None
    if chosen is None:
        chosen = next((each for each in of_stage if each.number not in known.exercises), None)
    return {
        "exercise": chosen,
        "is_under_way": bool(chosen and chosen.number == number),
        "is_solved": bool(chosen and chosen.number in known.exercises),
        "result": known.results.get(chosen.number, "") if chosen else "",
        "others": [(each.number, each.title, each.number in known.exercises) for each in of_stage],
    }

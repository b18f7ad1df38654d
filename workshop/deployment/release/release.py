"""Releases: make the newest code of all functions live, or roll back to the code before.

Terraform uploads code and settings, which are not invoked yet. A release publishes them as a
version, and moves the function's `live` alias to it. A rollback moves the aliases of the newest
release back, and changes nothing else.
"""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.release import function_updates, live_alias, propagation
from workshop.deployment.release.live_alias import UNPUBLISHED, UNVERIFIED, Entry, Live
from workshop.deployment.stack import Stack, command
from workshop.errors import EXPECTED, WorkshopError
from workshop.paths import RELEASE_STAGE
from workshop.stages import flow


@dataclass(frozen=True)
class Move:
    """A function whose alias was moved.

    Attributes:
        key: The function's key, such as ``payment``.
        before: The version that was live, or `UNPUBLISHED`.
        now: The version that is live.
        history: What was written down before the move.
    """

    key: str
    before: str
    now: str
    history: tuple[Entry, ...]


def release(stack: Stack) -> list[Move]:
    """Publish what was deployed, and make it live; functions without a change stay as they are.

    Until `accept` it is unproved: begun again, it goes on, and is taken back as a whole.

    Returns:
        The moves, in their order; empty when all that is deployed was live already.

    Raises:
        WorkshopError: The stack has no aliases; or it failed, and nothing was moved.
    """
    client, alias = stack.client("lambda"), _alias(stack)
    until = function_updates.deadline()
    names = stack.outputs.function_names
    published = {key: live_alias.publish(client, names[key], until) for key in _ordered(names)}
    found = {key: live_alias.read(client, names[key], alias) for key in published}
    # One that was killed before it was proved goes on: what it has moved may have to go back, too.
    begun = max((each.pending for each in found.values() if each.pending), default=None)
    mark = begun or datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ") + UNVERIFIED
    moves: list[Move] = []
    try:
        for key, version in published.items():
            now = found[key]
            if now.pending == mark:
                before = now.before[0].version if now.before else UNPUBLISHED
                moves.append(Move(key, before, version, now.before))
            elif now.version != version:
                moves.append(Move(key, now.version, version, now.history))  # before: who knows
            if now.version != version:
                live_alias.move(
                    client, names[key], alias, now, version, now.released(mark, version)
                )
    except BaseException:
        take_back(stack, moves)
        raise
    return moves


def accept(stack: Stack, moves: Iterable[Move]) -> None:
    """Mark a release as verified."""
    client, alias = stack.client("lambda"), _alias(stack)
    for each in moves:
        name = stack.outputs.function_names[each.key]
        now = live_alias.read(client, name, alias)
        if now.pending and now.version == each.now:
            live_alias.move(client, name, alias, now, now.version, now.verified())


def take_back(stack: Stack, moves: Iterable[Move]) -> None:
    """Undo the moves of a release that failed its verification, the last one first.

    A function's very first version stays: nothing was live before it. So does what
    somebody else has moved meanwhile.

    Raises:
        WorkshopError: Some could not be moved; all others were.
    """
    client, alias = stack.client("lambda"), _alias(stack)
    failed = {}
    with ignore_signals():
        for each in reversed([move for move in moves if move.before != UNPUBLISHED]):
            name = stack.outputs.function_names[each.key]
            try:
                now = live_alias.read(client, name, alias)
                if now.version == each.now:
                    live_alias.move(client, name, alias, now, each.before, each.history)
            except Exception as error:  # noqa: BLE001 - the others have to go back, too
                failed[f"{each.key} {each.now}"] = error
    if failed:
        left = "; ".join(f"{what} ({error})" for what, error in failed.items())
        again = command(stack, "rollback")
        raise WorkshopError(f"Not taken back, and still live: {left}. Try again: {again}")


@contextmanager
def ignore_signals() -> Iterator[None]:
    """Ignore Ctrl-C and SIGTERM: a rollback must not stop halfway."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def rollback(stack: Stack) -> list[Move]:
    """Make live again what was live before the newest release.

    Returns:
        The moves, in their order: producers first.

    Raises:
        WorkshopError: The stack has no aliases, or nothing was live before.
    """
    client, alias = stack.client("lambda"), _alias(stack)
    names = stack.outputs.function_names
    found = {key: live_alias.read(client, names[key], alias) for key in reversed(_ordered(names))}
    newest = max((each.mark for each in found.values()), default="")
    moves = []
    for key, now in found.items():
        if now.before and now.mark == newest:
            live_alias.move(client, names[key], alias, now, now.before[0].version, now.before)
            moves.append(Move(key, now.version, now.before[0].version, now.history))
    if not moves:
        raise WorkshopError(
            "There is nothing to go back to: what is live is the first release that is known."
        )
    return moves


def release_and_verify(stack: Stack, verify: Callable[[Stack], object]) -> list[Move]:
    """Release; when the verification fails or is interrupted, roll the release back.

    Args:
        stack: The stack.
        verify: Raises when the system does not do what it shall.

    Raises:
        WorkshopError: The verification failed; the message adds what became of the release.
    """
    moves = release(stack)
    try:
        with aws_errors():
            if moves:  # an order that still meets the old versions proves nothing
                propagation.wait(stack)
            verify(stack)
    except EXPECTED as error:
        take_back(stack, moves)
        raise WorkshopError(f"{error}\n{_taken_back(moves)}") from error
    except BaseException:
        take_back(stack, moves)
        raise
    accept(stack, moves)
    return moves


def newest_code_is_live(stack: Stack, keys: Iterable[str]) -> None:
    """Make sure that what is live of some functions has the code that was deployed last.

    Raises:
        WorkshopError: It was rolled back, say: a changed setting would take the newer code along.
    """
    client, alias = stack.client("lambda"), _alias(stack)
    for key in keys:
        name = stack.outputs.function_names[key]
        newest = client.get_function_configuration(FunctionName=name)
        there = client.get_function_configuration(FunctionName=name, Qualifier=alias)
        if newest["CodeSha256"] != there["CodeSha256"]:
            raise WorkshopError(
                f"What is live of {key} is not what was deployed last, which this would make live, "
                "too. Do that first, or deploy other code: make release"
            )


def put_live(stack: Stack, keys: Iterable[str]) -> bool:
    """Make a changed setting of some functions live, as part of the release that is live.

    Returns:
        Whether an alias was moved.

    Raises:
        WorkshopError: An update was not live in time.
    """
    client, alias = stack.client("lambda"), _alias(stack)
    until = function_updates.deadline()
    moved = False
    for key in keys:
        name = stack.outputs.function_names[key]
        now = live_alias.read(client, name, alias)
        if now.version == UNPUBLISHED:
            continue
        version = live_alias.publish(client, name, until)
        if version != now.version:
            live_alias.move(client, name, alias, now, version, now.replaced(version))
            moved = True
    return moved


def versions(stack: Stack) -> dict[str, Live]:
    """The live alias of every function, by key, in the order of a release."""
    client, alias = stack.client("lambda"), _alias(stack)
    names = stack.outputs.function_names
    return {key: live_alias.read(client, names[key], alias) for key in _ordered(names)}


def _alias(stack: Stack) -> str:
    if stack.outputs.live_alias is None:
        raise WorkshopError(
            f"Versions and their live aliases come with stage {RELEASE_STAGE}. "
            f"The stack is at stage {stack.stage}. Run: make up STAGE={RELEASE_STAGE}"
        )
    return stack.outputs.live_alias


def _ordered(names: dict[str, Any]) -> list[str]:
    """Return the keys in the order in which aliases move: against the flow, unknown ones last.

    Whoever reads an event knows its new form before it is written.
    """
    place = {key: number for number, key in enumerate(reversed(list(flow().functions)))}
    return sorted(names, key=lambda key: place.get(key, len(place)))


def _taken_back(moves: list[Move]) -> str:
    back = [
        f"{each.key} {each.now} → {each.before}" for each in moves if each.before != UNPUBLISHED
    ]
    stays = [each.key for each in moves if each.before == UNPUBLISHED]
    if not moves:
        return "Nothing was released: what is live was live before."
    said = f"The release was taken back: {', '.join(back)}." if back else ""
    if stays:
        said += f" Nothing was live before in {', '.join(stays)}: their first versions stay."
    return said.strip()

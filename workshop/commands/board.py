"""The command that serves the board."""

import os
import webbrowser
from typing import TYPE_CHECKING, Annotated

import typer

from workshop.board import process
from workshop.board.address import new_token
from workshop.console import out, say
from workshop.deployment.stack import cloud_name, current
from workshop.errors import UsageError

if TYPE_CHECKING:
    from workshop.board.source import Source

app = typer.Typer()


@app.command()
def board(
    port: Annotated[
        int | None, typer.Option(min=1024, max=65535, help="The port; by default a free one.")
    ] = None,
    *,
    act: Annotated[
        bool, typer.Option("--act", help="On AWS: offer what changes the stack, too.")
    ] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End the board that runs.")] = False,
    background: Annotated[
        bool, typer.Option("--background", help="End ten minutes after the cloud has stopped.")
    ] = False,
) -> None:
    """Show the running stack in a browser: events, orders, dead letters, faults, live."""
    name = cloud_name()
    if stop:
        say("The board is stopped." if process.stop(name) else "No board is running.")
        return
    if (found := process.running(name)) is not None:
        if port is not None and port != found.port:
            raise UsageError(f"The board runs already, on port {found.port}: {found.address}")
        show(found.address, open_it=open_it)
        return
    _serve(name, _source(name, may_act=act), port, open_it=open_it, background=background)


def _source(name: str, *, may_act: bool) -> "Source":
    """Return where a cloud's events are read."""
    from workshop.board.log_source import LogSource  # noqa: PLC0415 - slow to import
    from workshop.board.source import LocalSource  # noqa: PLC0415

    if current(name).target.own:
        return LocalSource(name)
    return LogSource(name, may_act=may_act)


def show(address: str, *, open_it: bool) -> None:
    """Print the board's address.

    Args:
        address: The address with the token.
        open_it: Whether to open it in a browser.
    """
    out.print(f"The board: {address}", markup=False, soft_wrap=True)
    if open_it:
        webbrowser.open(address)


def _serve(
    name: str, source: "Source", port: int | None, *, open_it: bool, background: bool
) -> None:
    import uvicorn  # noqa: PLC0415 - slow to import

    from workshop.board.app import build  # noqa: PLC0415

    with process.listen(port) as listening:
        made = process.Running(os.getpid(), listening.getsockname()[1], new_token())
        application = build(source, token=made.token, port=made.port)
        server = uvicorn.Server(
            uvicorn.Config(application, log_level="warning", timeout_graceful_shutdown=1)
        )
        process.register(name, made)
        if not background:  # its log must not contain the token
            show(made.address, open_it=open_it)
            say("End it with Ctrl-C.")
        stack = source.stack if background else None
        process.watch(name, made, lambda: setattr(server, "should_exit", True), stack)
        try:
            server.run(sockets=[listening])
        finally:
            process.unregister(name, made)

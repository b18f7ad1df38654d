"""Show explained errors in a notebook as a sentence instead of a traceback."""

from typing import Any

from IPython.core.getipython import get_ipython

from local_cloud.errors import LocalCloudError
from workshop.deployment.stack import Stack, current
from workshop.errors import EXPECTED, WorkshopError

AGAIN = "Then run this notebook again, from its first cell."


def show_explained_errors(stack: Stack | None, stage: int = 1) -> None:
    """From now on, show an explained error in this notebook as a sentence.

    Args:
        stack: The notebook's stack; None before it has one.
        stage: The lowest stage that the notebook needs.
    """
    shell: Any = get_ipython()
    if shell is None:
        return  # a script, not a notebook: the exception is raised

    def shown(
        shell: Any,
        kind: type[Exception],
        error: Exception,
        trace: Any,
        tb_offset: int | None = None,
    ) -> list[str]:
        text = explanation(error, stack, stage)
        lines: list[str] = (
            shell.InteractiveTB.structured_traceback(kind, error, trace, tb_offset=tb_offset)
            if text is None
            else [text]
        )
        shell._showtraceback(kind, error, lines)  # noqa: SLF001 - as IPython does it itself
        return lines

    # Any exception: on a recreated stack the calls succeed, and a missing row is a KeyError.
    shell.set_custom_exc((Exception,), shown)


def explanation(error: Exception, stack: Stack | None, stage: int) -> str | None:
    """Return the explanation of an error; None when its traceback is more useful."""
    may_be_the_stack = not isinstance(error, WorkshopError) or isinstance(error, LocalCloudError)
    if stack and may_be_the_stack and (change := _change(stack, stage)):
        return f"{change}\n{AGAIN}"
    return str(error) if isinstance(error, WorkshopError) else None


def _change(stack: Stack, stage: int) -> str | None:
    """Return how a stack has changed since a notebook connected to it; None if it has not."""
    try:
        now = current(stack.target.name)
    except EXPECTED as gone:
        return str(gone)
    if now.stage < stage:
        return (
            f"The stack is now at stage {now.stage}. This notebook needs stage {stage}. "
            f"In a terminal: make up STAGE={stage}"
        )
    # Each start of a local cloud gives the API a new id in its URL.
    if now.outputs.api_endpoint != stack.outputs.api_endpoint:
        return "The stack is not the one that this notebook connected to."
    return None

"""Faults in a notebook that have an explanation: a sentence instead of a traceback."""

from typing import Any

from IPython.core.getipython import get_ipython

from local_cloud.errors import LocalCloudError
from workshop.deployment.stack import Stack, current
from workshop.errors import EXPECTED, WorkshopError

AGAIN = "Then run this notebook again, from its first cell."


def tell_in_sentences(stack: Stack | None, stage: int = 1) -> None:
    """From now on, show a fault of the stack in this notebook as a sentence.

    Args:
        stack: The stack the notebook works on; None before it has one.
        stage: The lowest stage that the notebook needs.
    """
    shell: Any = get_ipython()
    if shell is None:
        return  # a program, not a notebook: it gets the exception

    def shown(
        shell: Any,
        kind: type[Exception],
        error: Exception,
        trace: Any,
        tb_offset: int | None = None,
    ) -> list[str]:
        told = explanation(error, stack, stage)
        lines: list[str] = (
            shell.InteractiveTB.structured_traceback(kind, error, trace, tb_offset=tb_offset)
            if told is None
            else [told]
        )
        shell._showtraceback(kind, error, lines)  # noqa: SLF001 - as IPython does it itself
        return lines

    # Any: on a stack started anew the calls succeed, and what they do not find is a KeyError.
    shell.set_custom_exc((Exception,), shown)


def explanation(error: Exception, stack: Stack | None, stage: int) -> str | None:
    """Return what to tell a person about an error; None when its traceback tells more."""
    of_the_stack = not isinstance(error, WorkshopError) or isinstance(error, LocalCloudError)
    if stack and of_the_stack and (told := _change(stack, stage)):
        return f"{told}\n{AGAIN}"
    return str(error) if isinstance(error, WorkshopError) else None


def _change(stack: Stack, stage: int) -> str | None:
    """What has happened to a stack since a notebook connected to it; None for nothing."""
    try:
        now = current(stack.target.name)
    except EXPECTED as gone:
        return str(gone)
    if now.stage < stage:
        return (
            f"The stack is at stage {now.stage} now, and this notebook needs stage {stage}. "
            f"In a terminal: make up STAGE={stage}"
        )
    # Its API's address has an id of its own for each start of a local cloud.
    if now.outputs.api_endpoint != stack.outputs.api_endpoint:
        return "The stack is another one than this notebook connected to."
    return None

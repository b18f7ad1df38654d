"""The names of the stack's tables by key."""

from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.stages import flow


def table_name(stack: Stack, key: str) -> str:
    """Return a table's name.

    Raises:
        WorkshopError: The stack's stage has no such table; the message names the command.
    """
    if key not in stack.outputs.table_names:
        stage = flow().tables[key].stage
        raise WorkshopError(
            f"The {key} table comes with stage {stage}. The stack is at stage {stack.stage}. "
            f"Run: make up STAGE={stage}"
        )
    return stack.outputs.table_names[key]

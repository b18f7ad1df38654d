"""The steps of the lessons, as the stages' `steps.toml` files describe them.

A stage's `steps.toml` has one `[[steps]]` for each step, in the lesson's order:

    do = "Place an order. It is paid."        one or two sentences
    commands = ['make order ARGS="MOUSE=1"']  as in the lesson's README.md
    done = ["published payment-succeeded"]    the facts that show that the step is done

A step is done when all its facts are true. They come from the stack and from the record of passed
checks, never from a click, so there are steps only for what leaves a trace. The facts:

    deployed STAGE             the stack is at this stage or a later one
    checked STAGE              the check of the stage passed with the current code
    stock SKU                  the article has a stock item
    published STEP             an event of this step reached the bus
    published-again STEP       the same event reached the bus again
    re-published STEP          the reconciler published the event
    retried FUNCTION           it failed, and a later try succeeded
    lost FUNCTION              it did not process an event, and no retry follows
    killed FUNCTION            fault injection killed it before it published
    recovered FUNCTION         it was killed, and its event was published later
    duplicated FUNCTION        it received an event more than once, and succeeded
    dead-lettered FUNCTION     an event is in its dead-letter queue, or was
    gateway-down FUNCTION      the same, because the gateway was down, whatever the token
    undelivered FUNCTION       the same, and EventBridge could not deliver the event
    redriven FUNCTION          it has processed an event that was a dead letter

All but the first three are about the learner's own orders, not about those of a check.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from workshop.errors import WorkshopError
from workshop.paths import ROOT, STAGE_FOLDERS

FILE = "steps.toml"

_KEYS = {"do", "commands", "done"}


@dataclass(frozen=True)
class Step:
    """A step of a lesson.

    Attributes:
        do: What to do, in one or two sentences.
        commands: The commands, as the lesson has them.
        done: The facts that are true when it is done.
    """

    do: str
    commands: tuple[str, ...]
    done: tuple[str, ...]


def of_stage(stage: int, root: Path = ROOT) -> list[Step]:
    """Return the steps of a stage's lesson; empty for a stage without `steps.toml`.

    Raises:
        WorkshopError: The file has a mistake; the message names it.
    """
    folder = STAGE_FOLDERS[stage]
    path = root / folder / FILE
    if not path.exists():
        return []
    try:
        read = tomllib.loads(path.read_text("utf-8")).get("steps")
    except (OSError, ValueError) as error:
        raise WorkshopError(f"{folder}/{FILE}: {error}.") from None
    if not isinstance(read, list) or not all(map(_is_step, read)):
        raise WorkshopError(
            f"{folder}/{FILE}: each of [[steps]] needs `do`, a text, and `commands` and `done`, "
            "lists of texts."
        )
    return [Step(each["do"], tuple(each["commands"]), tuple(each["done"])) for each in read]


def _is_step(found: object) -> bool:
    if not isinstance(found, dict) or found.keys() != _KEYS or not isinstance(found["do"], str):
        return False
    return all(
        isinstance(texts, list) and texts and all(isinstance(each, str) for each in texts)
        for texts in (found["commands"], found["done"])
    )

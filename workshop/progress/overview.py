"""How far a learner is, stage by stage, and the one command that comes next."""

from dataclasses import dataclass

from workshop.exercises.catalogue import Exercise, exercises
from workshop.paths import STAGES, stage_folder
from workshop.progress import record
from workshop.progress.record import Record

PASSED, CHANGED, OPEN = "passed", "passed, but the code has changed since", "–"


@dataclass(frozen=True, slots=True)
class StageProgress:
    """A stage, as far as the learner is."""

    stage: int
    deployed: bool
    check: str
    exercises: list[tuple[str, bool]]
    """Number, and whether it is solved."""


def overview(deployed: int | None) -> list[StageProgress]:
    """Return how far the learner is.

    Args:
        deployed: the stage that the stack is at; None: there is no stack.
    """
    done, known = record.load(), exercises()
    return [_stage(stage, deployed, done, known) for stage in STAGES if stage_folder(stage)]


def following(stages: list[StageProgress], under_way: str | None, deployed: int | None) -> str:
    """Return what to do next, with its command."""
    if under_way:
        return (
            f'exercise {under_way} is under way: make exercise ARGS="{under_way} check", '
            f'or reset it: make exercise ARGS="{under_way} reset"'
        )
    for each in stages:
        if each.check != PASSED:
            lesson = f"{folder.name}/README.md" if (folder := stage_folder(each.stage)) else ""
            if deployed is None or deployed < each.stage:
                return f"stage {each.stage}, {lesson}: make up STAGE={each.stage}"
            return f"does stage {each.stage} keep its promises? make check STAGE={each.stage}"
        for number, solved in each.exercises:
            if not solved:
                return f'exercise {number}: make exercise ARGS="{number} start"'
    return "you have done all of it. To AWS: README.md, “On AWS”"


def _stage(stage: int, deployed: int | None, done: Record, known: list[Exercise]) -> StageProgress:
    proved = done.checks.get(str(stage))
    check = OPEN
    if proved:
        check = PASSED if proved == record.fingerprint(stage) else CHANGED
    own = [(each.number, each.number in done.exercises) for each in known if each.stage == stage]
    return StageProgress(stage, deployed is not None and deployed >= stage, check, own)

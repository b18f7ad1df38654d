"""The learner's progress by stage, and the next command."""

from dataclasses import dataclass

from workshop.exercises.catalogue import Exercise, exercises
from workshop.paths import STAGES, stage_folder
from workshop.progress import record
from workshop.progress.record import Record

PASSED, CHANGED, OPEN = "passed", "passed, but the code has changed since", "–"


@dataclass(frozen=True, slots=True)
class StageProgress:
    """The learner's progress in one stage."""

    stage: int
    deployed: bool
    check: str
    exercises: list[tuple[str, bool]]
    """Number of each exercise, and whether it is solved."""


def overview(deployed: int | None) -> list[StageProgress]:
    """Return the learner's progress in each stage.

    Args:
        deployed: The stack's stage; None: there is no stack.
    """
    done, known = record.load(), exercises()
    return [_stage(stage, deployed, done, known) for stage in STAGES]


def next_step(
    stages: list[StageProgress],
    active: str | None,
    deployed: int | None,
    *,
    is_solved: bool = False,
) -> str:
    """Return what to do next, with its command.

    Args:
        stages: The progress in each stage.
        active: The number of the exercise that is started; None: no exercise.
        deployed: The stack's stage; None: there is no stack.
        is_solved: Whether the check of this exercise has passed.
    """
    if active and is_solved:
        return f'reset exercise {active}, which is solved: make exercise ARGS="{active} reset"'
    if active:
        return (
            f'exercise {active} is started: make exercise ARGS="{active} check", '
            f'or reset it: make exercise ARGS="{active} reset"'
        )
    for each in stages:
        if each.check != PASSED:
            lesson = f"{stage_folder(each.stage).name}/README.md"
            if deployed is None or deployed < each.stage:
                return f"stage {each.stage}, {lesson}: make up STAGE={each.stage}"
            return f"check stage {each.stage}: make check STAGE={each.stage}"
        for number, solved in each.exercises:
            if not solved:
                return f'exercise {number}: make exercise ARGS="{number} start"'
    return "everything is done. To deploy to AWS: README.md, “On AWS”"


def _stage(stage: int, deployed: int | None, done: Record, known: list[Exercise]) -> StageProgress:
    passed = done.checks.get(str(stage))
    check = OPEN
    if passed:
        check = PASSED if passed == record.fingerprint(stage) else CHANGED
    own = [(each.number, each.number in done.exercises) for each in known if each.stage == stage]
    return StageProgress(stage, deployed is not None and deployed >= stage, check, own)

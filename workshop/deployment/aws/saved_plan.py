"""A plan that is saved in `.workshop/pipeline`, for another command or machine to apply."""

import contextlib
import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from workshop import git
from workshop.deployment.local.up import lambda_hash
from workshop.deployment.target import Target
from workshop.deployment.terraform.config_copy import bundle_files
from workshop.errors import UsageError, WorkshopError
from workshop.paths import ROOT, STAGES, STATE

PIPELINE = STATE / "pipeline"
AGAIN = "Plan again: make plan"


@dataclass(frozen=True)
class Planned:
    """What a plan is for, and its counts.

    Attributes:
        account: The account's number.
        region: The region.
        endpoint_url: A local cloud's address; None on AWS.
        prefix: Start of the stack's names.
        stage: How far the stack is built.
        commit: What was checked out.
        plan: The plan file's SHA-256.
        bundles: By package, the hash of its code, as Lambda reports it.
        added: How many resources it makes; one that is replaced is counted here, too.
        changed: How many it changes.
        destroyed: How many it destroys; one that is replaced is counted here, too.
    """

    account: str
    region: str
    endpoint_url: str | None
    prefix: str
    stage: int
    commit: str
    plan: str
    bundles: dict[str, str]
    added: int = 0
    changed: int = 0
    destroyed: int = 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.added or self.changed or self.destroyed)


def plan_file() -> Path:
    """Terraform's own plan."""
    return PIPELINE / "plan.tfplan"


def facts_file() -> Path:
    """Return where it says what the plan is for."""
    return PIPELINE / "plan.json"


def report_file() -> Path:
    """The plan as people read it."""
    return PIPELINE / "report.md"


def discard() -> None:
    """Delete the saved plan."""
    for path in (plan_file(), facts_file(), report_file()):
        path.unlink(missing_ok=True)


def save(planned: Planned, plan: Path, report: str) -> None:
    """Save a plan in place of the one before; its facts last, so that half a plan is not valid."""
    discard()
    PIPELINE.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(plan, plan_file())
    report_file().write_text(report, "utf-8")
    facts_file().write_text(json.dumps(asdict(planned), indent=1), "utf-8")


def load() -> Planned:
    """Return the saved plan.

    Raises:
        WorkshopError: There is none, or a part is missing.
    """
    try:
        planned = Planned(**json.loads(facts_file().read_text("utf-8")))
        whole = planned.plan == fingerprint(plan_file()) and planned.stage in STAGES
    except (OSError, ValueError, TypeError):
        raise WorkshopError("There is no plan to carry out. Make one: make plan") from None
    if not whole:
        raise WorkshopError(f"The kept plan's files do not belong together. {AGAIN}")
    return planned


def ensure_matches(planned: Planned, target: Target, prefix: str) -> None:
    """Check that a plan is for this stack and these bundles.

    Raises:
        WorkshopError: It is not; nothing was changed.
    """
    wanted = {
        "account": (planned.account, target.account),
        "region": (planned.region, target.region),
        "address": (planned.endpoint_url or "AWS", target.endpoint_url or "AWS"),
        "prefix": (planned.prefix, prefix),
    }
    for what, (then, now) in wanted.items():
        if then != now:
            raise WorkshopError(
                f"The plan is for {what} {then}, and this is {what} {now}. Nothing was changed."
            )
    here = bundle_hashes()
    differ = [each for each, code in planned.bundles.items() if here.get(each) != code]
    if differ:
        raise WorkshopError(
            f"These bundles are not those that were planned: {', '.join(differ)}. {AGAIN}"
        )


def bundle_hashes() -> dict[str, str]:
    """By package, the hash of the bundle that lies here."""
    return {path.stem: lambda_hash(path) for path in bundle_files()}


def fingerprint(path: Path) -> str:
    """A file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def commit() -> str:
    """What is checked out, for people; `unknown` outside git."""
    if commit_hash := os.environ.get("GITHUB_SHA"):
        return commit_hash[:12]
    with contextlib.suppress(UsageError):
        return git.run(ROOT, "rev-parse", "--short=12", "HEAD", check=False).strip() or "unknown"
    return "unknown"

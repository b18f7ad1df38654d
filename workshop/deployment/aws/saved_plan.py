"""A plan that is kept in `.workshop/pipeline`, for another command or machine to carry out."""

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from workshop.deployment.local.up import lambda_hash
from workshop.deployment.target import Target
from workshop.deployment.terraform.config_copy import bundle_files
from workshop.errors import WorkshopError
from workshop.paths import ROOT, STAGES, STATE

PIPELINE = STATE / "pipeline"
AGAIN = "Plan again: make plan"


@dataclass(frozen=True)
class Planned:
    """What a plan is for, and what it came to.

    Attributes:
        account: The account's number.
        region: The region.
        endpoint_url: A local cloud's address; None on AWS.
        prefix: Start of the stack's names.
        stage: How far the stack is built.
        commit: What was checked out.
        plan: The plan file's SHA-256.
        bundles: By package, the hash of its code, as Lambda tells it.
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


def report_file() -> Path:
    """The plan as people read it."""
    return PIPELINE / "report.md"


def forget() -> None:
    """Keep no plan: what is left of an older one would be taken for the newest."""
    for path in (plan_file(), _facts_file(), report_file()):
        path.unlink(missing_ok=True)


def keep(planned: Planned, plan: Path, report: str) -> None:
    """Keep a plan in place of the one before; its facts last, so that half a plan is none."""
    forget()
    PIPELINE.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(plan, plan_file())
    report_file().write_text(report, "utf-8")
    _facts_file().write_text(json.dumps(asdict(planned), indent=1), "utf-8")


def load() -> Planned:
    """The plan that is kept.

    Raises:
        WorkshopError: There is none, or not all of it.
    """
    try:
        planned = Planned(**json.loads(_facts_file().read_text("utf-8")))
        whole = planned.plan == fingerprint(plan_file()) and planned.stage in STAGES
    except (OSError, ValueError, TypeError):
        raise WorkshopError("There is no plan to carry out. Make one: make plan") from None
    if not whole:
        raise WorkshopError(f"The kept plan's files do not belong together. {AGAIN}")
    return planned


def refuse_another(planned: Planned, target: Target, prefix: str) -> None:
    """Make sure that a plan is for this stack and for the bundles that lie here.

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
    if told := os.environ.get("GITHUB_SHA"):
        return told[:12]
    git = shutil.which("git")
    if git is None:
        return "unknown"
    done = subprocess.run(
        [git, "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def _facts_file() -> Path:
    return PIPELINE / "plan.json"

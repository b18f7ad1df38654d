"""Commands for a real AWS account: each shows account and region before it changes anything."""

import os
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from workshop.commands import account_options, release
from workshop.commands.account_options import Prefix, Yes
from workshop.commands.stack import Stage
from workshop.console import out, say
from workshop.deployment.aws import (
    account_stack,
    plan_report,
    saved_plan,
    shared_plan,
    teardown_check,
)
from workshop.deployment.aws.account_stack import Deployment
from workshop.deployment.aws.saved_plan import Planned
from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.release.release import release_and_verify
from workshop.deployment.stack import Stack
from workshop.deployment.target import Target
from workshop.deployment.terraform.runner import Changes
from workshop.errors import UsageError, WorkshopError
from workshop.paths import LAST_STAGE, ROOT

app = typer.Typer()

FEW = 20
"""Resources that a plan's output lists one by one, at most."""

AlarmEmail = Annotated[
    str | None,
    typer.Option(
        envvar="ALARM_EMAIL",
        help="Who gets a mail about alarms and costs, from stage 5 on (a budget: its owner must "
        "let IAM users see billing); default: as before; none: nobody.",
    ),
]


class DriftError(WorkshopError):
    """The stack is not as Terraform left it."""

    exit_code = 3


@app.command()
def plan(
    stage: Stage = None,
    prefix: Prefix = account_stack.DEFAULT_PREFIX,
    alarm_email: AlarmEmail = None,
    *,
    share: Annotated[
        bool,
        typer.Option(
            envvar="SHARE_PLAN",
            help="Keep the plan in the state bucket, too: for `apply` on another machine.",
        ),
    ] = False,
) -> None:
    """Work out what deploying would change, and keep it for `apply`; nothing is changed."""
    saved_plan.discard()
    target = account_options.target(prefix)
    with account_stack.locked(target) as lock:
        deployment = Deployment(target, prefix, lock)
        _keep(deployment, stage or LAST_STAGE, alarm_email)
    arguments = ""
    if share:
        with aws_errors():
            fingerprint = shared_plan.share(target, prefix)
        _output("plan", fingerprint)
        arguments = f' ARGS="--approved {fingerprint}"'
    say(
        f"The report: {saved_plan.report_file().relative_to(ROOT)} (make apply and make destroy "
        f"delete it). To do exactly this: make apply{arguments}"
    )


@app.command()
def apply(
    prefix: Prefix = account_stack.DEFAULT_PREFIX,
    approved: Annotated[
        str | None,
        typer.Option(
            envvar="APPROVED_PLAN",
            help="The plan that `plan --share` named so, from the state bucket.",
        ),
    ] = None,
) -> None:
    """Do exactly what the last `plan` said, here or on the machine that shared it."""
    target = account_options.target(prefix) if approved else None
    if target and approved:
        with aws_errors():
            shared_plan.fetch(target, prefix, approved)
    kept = saved_plan.load()
    target = target or account_options.target(prefix)
    saved_plan.ensure_matches(kept, target, prefix)
    with account_stack.locked(target) as lock:
        deployment = Deployment(target, prefix, lock)
        shutil.copyfile(saved_plan.plan_file(), deployment.terraform.kept_plan)
        stack = deployment.apply(kept.stage)
    saved_plan.discard()
    if approved:
        with aws_errors():
            shared_plan.remove(target, prefix, approved)
    _deployed(deployment, stack)
    if stack.outputs.live_alias:
        say("What is new in functions is not live yet: make release ARGS=--account")


@app.command()
def deploy(
    stage: Stage = None,
    prefix: Prefix = account_stack.DEFAULT_PREFIX,
    alarm_email: AlarmEmail = None,
    *,
    yes: Yes = False,
) -> None:
    """Deploy the system to an AWS account, with the usual AWS credentials."""
    target = account_options.target(prefix)
    with account_stack.locked(target) as lock:
        deployment = Deployment(target, prefix, lock)
        stage = stage or LAST_STAGE
        changes = deployment.plan(stage, alarm_email)
        _report_where(deployment, stage)
        shown = changes.destroyed or changes.total <= FEW
        _report_changes(changes, deployment.terraform.show_plan() if shown else {})
        out.print(plan_report.cost(stage, local=bool(target.endpoint_url)), soft_wrap=True)
        account_options.confirm(target.account, yes=yes)
        stack = deployment.apply()
        _deployed(deployment, stack)
        if stack.outputs.live_alias:
            _make_live(stack)
    say(f"To look inside: WORKSHOP_CLOUD={target.name} make status")
    say(f"To remove it: make destroy{_arguments(prefix)}")


@app.command()
def drift(stage: Stage = None, prefix: Prefix = account_stack.DEFAULT_PREFIX) -> None:
    """Is the stack as Terraform left it, and as this checkout says? Exit code 3: it is not."""
    saved_plan.discard()
    target = account_options.target(prefix)
    with account_stack.locked(target) as lock:
        deployment = Deployment(target, prefix, lock)
        stack = deployment.stack()
        if stack is None:  # before the first deployment, after the last destruction
            say(f"No stack is known in {deployment.where}: nothing can drift.")
            return
        kept = _keep(deployment, stage or stack.stage, None)
    if not kept.empty:
        raise DriftError(
            f"The stack has drifted. What differs: {saved_plan.report_file().relative_to(ROOT)}. "
            "To put it right: make apply"
        )
    say("The stack is as Terraform left it, and as this checkout says.")


@app.command()
def destroy(
    prefix: Prefix = account_stack.DEFAULT_PREFIX,
    confirm: Annotated[
        str | None,
        typer.Option(
            envvar="CONFIRM_DESTROY",
            help="The prefix again, instead of a question: for the pipeline.",
        ),
    ] = None,
    *,
    yes: Yes = False,
) -> None:
    """Remove what `deploy` made from an AWS account, and verify that nothing is left."""
    if confirm is not None and confirm != prefix:
        raise UsageError(f"{confirm!r} is not the prefix {prefix!r}: nothing was changed.")
    target = account_options.target(prefix)
    with account_stack.locked(target) as lock:
        deployment = Deployment(target, prefix, lock)
        changes = deployment.plan_destruction()
        _report_where(deployment, None)
        if changes is None:
            say("There is nothing to destroy any more.")
        else:
            out.print(f"Plan: {changes}. Orders, payments and stock are lost for good.")
            account_options.confirm(target.account, yes=yes or confirm is not None)
            deployment.destroy()
            saved_plan.discard()  # it was made for what is no more
    _prove(target, prefix, whole=confirm is not None)
    if deployment.remote:
        say(f"Its state stays, empty, in {deployment.where}, with the versions before.")


def _keep(deployment: Deployment, stage: int, alarm_email: str | None) -> Planned:
    """Plan, and keep the plan and its report; the state is only read, and not locked."""
    target = deployment.target
    changes = deployment.plan(stage, alarm_email, lock=False)
    content = deployment.terraform.show_plan() if changes.any else {}
    kept = Planned(
        target.account,
        target.region,
        target.endpoint_url,
        deployment.prefix,
        stage,
        saved_plan.commit(),
        saved_plan.fingerprint(deployment.terraform.kept_plan),
        saved_plan.bundle_hashes(),
        *(changes.added, changes.changed, changes.destroyed),
    )
    report = plan_report.markdown(
        content,
        prefix=kept.prefix,
        region=kept.region,
        stage=stage,
        commit=kept.commit,
        local=bool(kept.endpoint_url),
    )
    saved_plan.save(kept, deployment.terraform.kept_plan, report)
    _report_where(deployment, stage)
    _report_changes(changes, content)
    return kept


def _output(name: str, value: str) -> None:
    """Pass a value on to the other jobs of a GitHub workflow; do nothing elsewhere."""
    if path := os.environ.get("GITHUB_OUTPUT"):
        with Path(path).open("a", encoding="utf-8") as outputs:
            outputs.write(f"{name}={value}\n")


def _make_live(stack: Stack) -> None:
    """Release what was deployed, and verify it with an order; a failure restores what was live."""
    say("Making the newest code live …")
    with aws_errors():
        release.report_moves(release_and_verify(stack, release.verify))


def _prove(target: Target, prefix: str, *, whole: bool) -> None:
    """Search the account for what is left of a stack.

    Raises:
        WorkshopError: Something is left; or `whole`, and not everything could be searched.
    """
    with aws_errors():
        left = teardown_check.search(target, prefix)
    if left.found:
        raise WorkshopError(
            "Still there, of this stack or of another with such names:\n" + "\n".join(left.found)
        )
    for each in left.gone_but_listed:
        say(f"Gone, though AWS still lists it by its tag: {each}")
    if left.not_searched:
        closed = f"You may not list all there is, so look yourself: {', '.join(left.not_searched)}."
        if whole:
            raise WorkshopError(f"Destroyed, but not proven. {closed}")
        say(closed)
        say("Destroyed: nothing of the stack is left in the rest of account and region.")
        return
    say(
        "Destroyed: account and region were searched, by tag and by name, and nothing of the "
        "stack is left."
    )


def _report_where(deployment: Deployment, stage: int | None) -> None:
    target = deployment.target
    built = f", stage {stage}" if stage else ""
    names = f"names {deployment.prefix}-*"
    out.print(f"Account {target.account}, region {target.region}{built}, {names}", soft_wrap=True)
    out.print(f"State: {deployment.where}", soft_wrap=True, markup=False)


def _report_changes(changes: Changes, plan: dict[str, Any]) -> None:
    """Show how much would change: each resource if there are few, else those that are lost."""
    headline = plan_report.headline(changes.added, changes.changed, changes.destroyed)
    out.print(f"{headline}.")
    lines = plan_report.lines(plan)
    for line in lines if changes.total <= FEW else plan_report.lost(lines):
        out.print(f"  {line.action}: {line.address}", style="bold", markup=False, soft_wrap=True)


def _deployed(deployment: Deployment, stack: Stack) -> None:
    say(f"Deployed. API (signed requests only): {stack.outputs.api_endpoint}")
    keep = "" if deployment.remote else ": keep it until `make destroy` has run"
    say(f"Terraform's state: {deployment.where}{keep}.")
    if deployment.unconfirmed:  # without the address: everybody reads a public pipeline's log
        say(
            "No alarm arrives before the link is opened in the mail `AWS Notification - "
            "Subscription Confirmation` to the address for alarms."
        )


def _arguments(prefix: str) -> str:
    return "" if prefix == account_stack.DEFAULT_PREFIX else f' ARGS="--prefix {prefix}"'

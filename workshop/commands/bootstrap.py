"""The command that prepares an AWS account for the pipeline, once."""

from typing import Annotated, Any

import typer

from workshop.commands import account_options
from workshop.commands.account_options import Prefix, Yes
from workshop.console import out, say
from workshop.deployment.aws import account_stack, github_repository
from workshop.deployment.aws.account_bootstrap import Bootstrap, Settings
from workshop.deployment.aws.github_repository import Repository
from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.terraform.runner import Changes
from workshop.errors import EXPECTED, UsageError, WorkshopError

app = typer.Typer()

COST = "Cost: none by the hour; a state of some 100 kB in S3, well under 0.01 USD a month."


@app.command()
def bootstrap(  # noqa: PLR0913 - a command's options
    name: Annotated[
        str | None,
        typer.Option(
            "--repository",
            metavar="OWNER/NAME",
            help="Whose workflows may deploy; default: as before, or this checkout's origin.",
        ),
    ] = None,
    owner_id: Annotated[
        int | None, typer.Option(min=1, help="GitHub's number of its owner; default: asked there.")
    ] = None,
    repository_id: Annotated[
        int | None, typer.Option(min=1, help="GitHub's number of it; default: asked there.")
    ] = None,
    prefix: Prefix = account_stack.DEFAULT_PREFIX,
    alarm_email: Annotated[
        str | None,
        typer.Option(
            envvar="ALARM_EMAIL",
            help="Who gets a mail when the account costs more than 10 USD a month (its owner must "
            "let IAM users see billing); default: as before; none: nobody.",
        ),
    ] = None,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Take all of it back.")] = False,
    yes: Yes = False,
) -> None:
    """Prepare an AWS account for the pipeline: state bucket, roles for GitHub, boundary, budget."""
    target = account_options.target(prefix)
    with aws_errors(), account_stack.locked(target) as lock:
        work = Bootstrap(target, prefix, lock)
        before = work.before()
        if remove:
            _remove(work, before, yes=yes)
            return
        wanted = Settings(
            _repository(name, owner_id, repository_id, before),
            _address(alarm_email, before),
        )
        changes = work.plan(wanted)
        _report(work, changes, wanted)
        if changes.any:
            account_options.confirm(target.account, yes=yes)
            outputs = work.apply()
        else:
            outputs = work.outputs()
    say(f"The account is prepared. State: {work.where}")
    _report_next(outputs, wanted.repository, prefix, target.region)


def _remove(work: Bootstrap, before: Settings | None, *, yes: bool) -> None:
    """Take a bootstrap back, and verify that nothing is left."""
    if before is None:
        raise WorkshopError(
            f"There is nothing to take back in account {work.target.account}, region "
            f"{work.target.region}: it was not prepared for {work.prefix}-*."
        )
    changes = work.plan_removal(before)
    _report(work, changes, before)
    out.print(
        "The bucket is deleted with all earlier states. The pipeline can no longer use the account."
    )
    try:
        account_options.confirm(work.target.account, yes=yes)
    except EXPECTED:
        work.leave()
        raise
    work.remove()
    if left := work.leftovers():
        raise WorkshopError("Still there:\n" + "\n".join(left))
    say("Removed: bucket, roles, policies and provider. A search found that none is left.")


def _repository(
    name: str | None, owner_id: int | None, repository_id: int | None, before: Settings | None
) -> Repository:
    """Return the repository: of the options, of the bootstrap before, or as GitHub knows it."""
    if (owner_id is None) != (repository_id is None):
        raise UsageError("--owner-id and --repository-id go together.")
    if before and owner_id is None and name in {None, before.repository.name}:
        return before.repository
    name = name or github_repository.of_checkout()
    if owner_id is not None and repository_id is not None:
        github_repository.check(name)
        return Repository(name, owner_id, repository_id)
    return github_repository.look_up(name)


def _address(option: str | None, before: Settings | None) -> str | None:
    if option is None:
        return before.alarm_email if before else None
    return None if option in {"", "none"} else option


def _report(work: Bootstrap, changes: Changes, settings: Settings) -> None:
    """Say where this works, and what it would do."""
    target, repo = work.target, settings.repository
    out.print(f"Account {target.account}, region {target.region}, for stacks named {work.prefix}-*")
    out.print(f"Repository {repo.name} (owner {repo.owner_id}, repository {repo.repository_id})")
    out.print(f"State: {work.where}", soft_wrap=True)
    out.print(
        f"Bucket {work.names.state_bucket}; roles {work.names.plan_role} and "
        f"{work.names.deploy_role}; boundary {work.names.boundary}; GitHub's OIDC provider"
        + (f"; budget with warnings to {settings.alarm_email}" if settings.alarm_email else ""),
        soft_wrap=True,
    )
    out.print(f"Plan: {changes if changes.any else 'no changes'}.")
    out.print("Cost: none here." if target.endpoint_url else COST, soft_wrap=True)


def _report_next(outputs: dict[str, Any], repo: Repository, prefix: str, region: str) -> None:
    """Say what to set in the repository's settings."""
    values = {
        "AWS_REGION": region,
        "AWS_PLAN_ROLE_ARN": outputs["plan_role_arn"],
        "AWS_DEPLOY_ROLE_ARN": outputs["deploy_role_arn"],
    }
    if prefix != account_stack.DEFAULT_PREFIX:
        values["NAME_PREFIX"] = prefix
    lines = [
        "",
        f"Now, in the settings of {repo.name} on GitHub:",
        "1. Environments: create `production` with required reviewers, for the branch `main` only.",
        "   Do this first: GitHub creates an environment that is missing, without any protection.",
        "2. Rules: protect `main`; a pull request and the check `all green` come before a merge.",
        "3. Secrets and variables, Actions, Variables; from then on the pipeline deploys:",
        *(
            f"  gh variable set {key} --repo {repo.name} --body {each}"
            for key, each in values.items()
        ),
        "For alarms by mail, from this machine, once; the pipeline keeps the address:",
        '  make deploy ARGS="--alarm-email you@example.com"',
        "No alarm arrives before you open the link in the mail that AWS then sends.",
        "Only a person who can change `main` and is a reviewer can change the account's stack.",
    ]
    out.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)

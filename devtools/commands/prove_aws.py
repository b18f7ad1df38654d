"""The command that runs the README's story in an AWS account."""

import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devtools.test_runner import REPORTS
from workshop.console import out, say
from workshop.errors import UsageError
from workshop.paths import LAST_STAGE, ROOT

if TYPE_CHECKING:
    from workshop.deployment.target import Target

app = typer.Typer()

PREFIX = "orderflow-proof"
RECORDED = "tests/local_cloud/conformance/recorded/"
"""The tests' folder of recordings on AWS."""

_HOURS_A_MONTH = 730
_OTHERS = ("ALARM_EMAIL", "APPROVED_PLAN", "CONFIRM_DESTROY", "SHARE_PLAN")
"""Environment variables with options of commands; the story has its own options."""


@contextmanager
def _own_environment() -> Iterator[None]:
    """Restore the process's variables afterwards."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@app.command("prove-aws")
@_own_environment()
def prove_aws(
    prefix: Annotated[
        str, typer.Option(help="Start of every name; no stack may have it yet.")
    ] = PREFIX,
    account: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER", help="The account's number, instead of the question; for scripts."
        ),
    ] = None,
) -> None:
    """Run the README's story in your AWS account, record it, and remove everything.

    AWS's responses are recorded without ids, to compare the local cloud with them.
    After a failed step and after Ctrl-C, everything is removed, too.
    """
    from devtools.aws_proof import playing, story, terraform_log  # noqa: PLC0415 - only this one's
    from workshop.deployment.recording import write  # noqa: PLC0415
    from workshop.deployment.stack import CLOUD_VARIABLE  # noqa: PLC0415
    from workshop.deployment.target import RECORD_VARIABLE  # noqa: PLC0415

    folder = REPORTS / f"prove-aws-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    for name in _OTHERS:
        os.environ.pop(name, None)
    os.environ |= {"NAME_PREFIX": prefix, RECORD_VARIABLE: str(folder)}
    try:
        target = _agreed_target(prefix, account)
    except BaseException:  # nothing was started: what was asked so far is no record
        shutil.rmtree(folder, ignore_errors=True)
        raise
    with tempfile.TemporaryDirectory() as private:  # the log holds ids
        log = Path(private, "terraform.log")
        os.environ |= terraform_log.variables(log) | {CLOUD_VARIABLE: target.name}
        clean_up = story.clean_up(prefix)
        results = playing.play(story.STORY, clean_up, playing.doing(target.name))
        if log.exists():
            with log.open(encoding="utf-8", errors="replace") as lines:
                for exchange in terraform_log.exchanges(lines, prefix):
                    write(folder / "terraform.jsonl", **exchange)
    out.print(playing.table_of(results))
    say(f"Recorded, without ids: {folder.relative_to(ROOT)}. Read it; then it can go to {RECORDED}")
    if any(each.outcome != playing.OK for each in results[-len(clean_up) :]):
        say(f'Something may be left. Remove it with: make destroy ARGS="--prefix {prefix}"')
    if any(each.outcome != playing.OK for each in results):
        raise typer.Exit(1)


def _agreed_target(prefix: str, account: str | None) -> "Target":
    """Return the account, after it was shown and confirmed.

    Raises:
        WorkshopError: It is another account, has resources with this prefix, or was not confirmed.
    """
    from devtools.aws_proof import story  # noqa: PLC0415 - only this one's
    from workshop.commands import account_options  # noqa: PLC0415
    from workshop.deployment.aws import teardown_check  # noqa: PLC0415
    from workshop.deployment.aws_errors import aws_errors  # noqa: PLC0415

    target = account_options.target(prefix)
    if account not in {None, target.account}:
        raise UsageError(f"The credentials are for account {target.account}, not for {account}.")
    with aws_errors():
        story.refuse_existing(teardown_check.search(target, prefix, 0).found, prefix)
    out.print(f"Account {target.account}, region {target.region}, names {prefix}-*")
    out.print(
        f"This deploys all {LAST_STAGE} stages, places {story.ORDERS} orders, breaks and "
        "repairs the stack, and destroys it. "
        f"On AWS that takes about {story.MINUTES} minutes.",
        soft_wrap=True,
    )
    cost = "Cost: none here." if target.endpoint_url else _cost(story.ORDERS)
    out.print(cost, soft_wrap=True)
    account_options.confirm(target.account, yes=account is not None)
    return target


def _cost(orders: int) -> str:
    """Return the maximum cost of the story: its orders, and an hour of all alarms."""
    from devtools.scaling import cost, order  # noqa: PLC0415 - only this command's

    dollars = orders * cost.a_million(order.usual()) / cost.MILLION
    dollars += cost.alarms_a_month() / _HOURS_A_MONTH
    return (
        f"Cost: less than {math.ceil(dollars * 100) / 100:.2f} USD, for {orders} orders and an "
        f"hour of {cost.alarms()} alarms (docs/cost.md)."
    )

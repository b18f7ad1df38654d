"""The proof in an account: its steps, how it ends, and what is read of Terraform's log."""

import json
import os
import re
import signal
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from devtools.aws_proof import playing, story, terraform_log
from devtools.aws_proof.playing import FAILED, INTERRUPTED, NOT_RUN, OK
from devtools.aws_proof.story import STORY, Step
from devtools.commands import prove_aws
from devtools.documents.command_list import commands
from tests.fixtures.readme import aws_commands
from workshop.commands import account_options
from workshop.deployment.aws import teardown_check
from workshop.errors import WorkshopError

STEPS = [Step("one", "one"), Step("two", "two"), Step("three", "three")]
LAST = [Step("clean up", "destroy")]


def outcomes(does, steps=STEPS):
    """How the steps end when a function does them."""
    return [each.outcome for each in playing.play(steps, LAST, does)]


def test_every_step_runs_while_each_ends_as_it_has_to():
    assert outcomes(lambda _: (0, "")) == [OK, OK, OK, OK]


def raising(error):
    """What fails at the second step."""

    def do(step):
        if step.does == "two":
            raise error
        return 0, ""

    return do


@pytest.mark.parametrize(
    ("error", "outcome"), [(WorkshopError("no"), FAILED), (KeyboardInterrupt(), INTERRUPTED)]
)
def test_everything_is_removed_when_a_step_does_not_end_well(error, outcome):
    assert outcomes(raising(error)) == [OK, outcome, NOT_RUN, OK]


def test_an_unexpected_error_of_a_step_still_removes_everything():
    assert outcomes(raising(RuntimeError("a bug"))) == [OK, FAILED, NOT_RUN, OK]


def test_a_clean_up_that_fails_is_reported():
    assert outcomes(lambda step: (int(step.does == "destroy"), "")) == [OK, OK, OK, FAILED]


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_ctrl_c_does_not_end_the_clean_up():
    def do(step):
        if step.does == "destroy":
            os.kill(os.getpid(), signal.SIGINT)
        return 0, ""

    assert outcomes(do)[-1] == OK


@pytest.mark.parametrize(
    ("code", "output", "outcome"),
    [
        (3, "it has\ndrifted", OK),
        (0, "it has drifted", FAILED),
        (3, "it has not", FAILED),
    ],
)
def test_a_step_needs_its_exit_code_and_its_words(code, output, outcome):
    step = Step("drift", "drift", "has drifted", exit_code=3)
    assert outcomes(lambda each: (code, output) if each is step else (0, ""), [step])[0] == outcome


def test_a_step_is_repeated_until_it_shows_what_it_has_to(monkeypatch):
    monkeypatch.setattr(playing, "POLL_SECONDS", 0.0)
    shown = iter(["nothing", "nothing", "a dead letter"])
    step = Step("dlq", "dlq", "dead letter", seconds=60)
    assert outcomes(lambda each: (0, next(shown) if each is step else ""), [step])[0] == OK


@pytest.mark.skipif(os.name == "nt", reason="a console's group is interrupted as a whole")
def test_an_interrupted_command_is_interrupted_once_and_ends_in_order(capsys, monkeypatch):
    program = (
        "import time\ntry:\n while True: print('begun', flush=True); time.sleep(0.05)\n"
        "except KeyboardInterrupt:\n print('ended in order')"
    )
    begun = threading.Event()
    shown = playing.out.print

    def show(line, **options):
        shown(line, **options)
        begun.set()

    def interrupt():
        begun.wait()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    monkeypatch.setattr(playing.out, "print", show)
    with pytest.raises(KeyboardInterrupt):
        playing.command(sys.executable, "-c", program)
    assert "ended in order" in capsys.readouterr().out


def test_a_stack_that_exists_is_never_taken_for_the_proof():
    with pytest.raises(WorkshopError, match="already has resources named orderflow-"):
        story.refuse_existing(["lambda: orderflow-payment"], "orderflow")
    story.refuse_existing([], "orderflow")


def test_the_story_has_every_command_of_the_readme():
    """The preparation for the pipeline apart: its trust is GitHub's."""
    typed = {each.does.split()[0] for each in STORY if isinstance(each.does, str)} | {"destroy"}
    readme = {line.split()[1] for line in aws_commands()} - {"bootstrap"}
    assert readme - typed == set()


def test_every_command_of_the_story_exists_with_its_options():
    for step in (*STORY, *story.clean_up("proof")):
        if isinstance(step.does, str):
            name, *words = step.does.split()
            commands()[name].make_context(name, words)


def entry(message, request, **fields):
    """Return a line of the provider's log."""
    common = {"@message": message, "tf_req_id": request, "rpc.service": "IAM"}
    return json.dumps(common | {"rpc.method": "GetRole"} | fields)


def sent(request, role):
    body = {"http.request.body": f"Action=GetRole&RoleName={role}\n"}
    url = {"http.method": "POST", "http.url": "https://iam.amazonaws.com/"}
    return entry(terraform_log.SENT, request, **url, **body)


def received(request, status, body):
    fields = {"http.status_code": status, "http.response.body": body}
    return entry(terraform_log.RECEIVED, request, **fields)


LOG = [
    '{"@message": "Terraform version: 1.11.4"}',
    "no JSON at all",
    sent("a", "proof-a"),
    sent("b", "proof-b"),
    received("b", 404, "<RequestId>x</RequestId>"),
    received("a", 200, '{"Arn": "arn:aws:iam::123456789012:role/proof-a"}\n'),
    received("c", 200, ""),
]


def test_terraforms_requests_are_paired_with_their_responses():
    found = list(terraform_log.exchanges(LOG, "proof"))
    assert [each["request"]["RoleName"] for each in found] == ["proof-b", "proof-a"]
    assert [each["status"] for each in found] == [404, 200]
    assert found[1]["response"] == {"Arn": "arn:aws:iam::<account>:role/proof-a"}
    assert not re.search(r"\d{12}", json.dumps(found))


@pytest.mark.parametrize("account", ["2", None])
def test_refused_proof_leaves_no_folder(monkeypatch, tmp_path, account):
    """For another account, or for want of an answer; what was recorded so far is of no use."""

    def target(_):
        folder = Path(os.environ["WORKSHOP_RECORD"])
        folder.mkdir(parents=True)
        (folder / "requests.jsonl").write_text("{}")
        return SimpleNamespace(account="1", region="eu-west-1", endpoint_url=None)

    before = dict(os.environ)
    monkeypatch.setattr(prove_aws, "REPORTS", tmp_path)
    monkeypatch.setattr(account_options, "target", target)
    monkeypatch.setattr(teardown_check, "search", lambda *_: SimpleNamespace(found=[]))
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: "no")
    with pytest.raises(WorkshopError):
        prove_aws.prove_aws(account=account)
    assert list(tmp_path.iterdir()) == []
    assert os.environ == before, "a test after this one would record its figures"

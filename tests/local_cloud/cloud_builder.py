"""Small functions, rules and queues on a local cloud, made with boto3 alone."""

import io
import itertools
import json
import textwrap
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local_cloud.control import Control
from local_cloud.process import ACCOUNT_ID

REGION = "us-east-1"
SOURCE, DETAIL_TYPE = "test.lab", "Happened"
EVERYTHING = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]

_PROLOGUE = """
import json, os, time

def note(event, context):
    line = {"time": time.time(), "pid": os.getpid(), "request": context.aws_request_id}
    with open(os.environ["CALLS"], "a") as calls:
        calls.write(json.dumps(line | {"event": event}) + "\\n")

def handler(event, context):
    note(event, context)
"""


@dataclass(frozen=True)
class Queue:
    url: str
    arn: str


@dataclass(frozen=True)
class Function:
    name: str
    arn: str
    notes: Path

    def calls(self) -> list[dict[str, Any]]:
        """One for each time it ran, in the order in which it began to."""
        if not self.notes.exists():
            return []
        return [json.loads(line) for line in self.notes.read_text().splitlines()]


class Lab:
    """Makes things with names of their own, so that tests can share a cloud."""

    _numbers = itertools.count(1)

    def __init__(self, endpoint_url: str, directory: Path, log: Path) -> None:
        self.endpoint_url = endpoint_url
        self.log = log
        self.patience = 300.0
        self.control = Control(endpoint_url, timeout=300)
        self._directory = directory
        self._session = boto3.Session("test", "test", region_name=REGION)
        self._clients: dict[tuple[str, bool], Any] = {}
        self.awslambda, self.events = self.client("lambda"), self.client("events")
        self.sqs, self.iam, self.sts = self.client("sqs"), self.client("iam"), self.client("sts")
        self.cloudwatch, self.logs = self.client("cloudwatch"), self.client("logs")

    def client(self, service: str, *, validates: bool = True) -> Any:
        """Return a client of an administrator that tries each request once.

        Args:
            service: Such as "dynamodb".
            validates: Whether boto3 checks parameters before it sends a request. Without it, a
                test sees what the cloud itself answers to a wrong request.
        """
        key = (service, validates)
        if key not in self._clients:
            config = Config(
                retries={"total_max_attempts": 1},
                max_pool_connections=50,
                parameter_validation=validates,
            )
            self._clients[key] = self._session.client(
                service, endpoint_url=self.endpoint_url, config=config
            )
        return self._clients[key]

    def name(self, kind: str) -> str:
        return f"{kind}-{next(self._numbers)}"

    def role(self, statements: list[dict[str, Any]] | None = None) -> str:
        name = self.name("role")
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com", "AWS": "*"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        arn: str = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))[
            "Role"
        ]["Arn"]
        if statements:
            policy = {"Version": "2012-10-17", "Statement": statements}
            self.iam.put_role_policy(
                RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy)
            )
        return arn

    def function(
        self,
        body: str = "return 'done'",
        *,
        may: list[dict[str, Any]] | None = EVERYTHING,
        on_failure: Queue | None = None,
        retries: int | None = None,
        event_age: int | None = None,
        files: dict[str, str] | None = None,
        **configuration: Any,
    ) -> Function:
        """A function that notes each call and then does what the body says."""
        name = self.name("function")
        calls = self._directory / f"{name}.jsonl"
        code = _PROLOGUE + textwrap.indent(textwrap.dedent(body).strip(), "    ") + "\n"
        variables = {"CALLS": str(calls), **configuration.pop("variables", {})}
        arn = self.awslambda.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=self.role(may),
            Code={"ZipFile": bundle({"index.py": code, **(files or {})})},
            Environment={"Variables": variables},
            **{"Handler": "index.handler", "Timeout": 20, **configuration},
        )["FunctionArn"]
        settings: dict[str, Any] = {}
        if retries is not None:
            settings["MaximumRetryAttempts"] = retries
        if event_age is not None:
            settings["MaximumEventAgeInSeconds"] = event_age
        if on_failure:
            settings["DestinationConfig"] = {"OnFailure": {"Destination": on_failure.arn}}
        if settings:
            self.awslambda.put_function_event_invoke_config(FunctionName=name, **settings)
        return Function(name, arn, calls)

    def queue(self, policy_for: str | None = None, policy: dict[str, Any] | None = None) -> Queue:
        """A queue; `policy_for` is the ARN of a rule for which EventBridge may send to it."""
        url = self.sqs.create_queue(QueueName=self.name("queue"))["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])[
            "Attributes"
        ]["QueueArn"]
        if policy_for:
            policy = {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": policy_for}},
            }
        if policy:
            document = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
            self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
        return Queue(url, arn)

    def bus(self) -> str:
        name = self.name("bus")
        self.events.create_event_bus(Name=name)
        return name

    def rule(
        self, bus: str, target_arn: str, *, permitted: bool = True, **target: Any
    ) -> tuple[str, str]:
        """A rule for all of the lab's events; returns its name and ARN."""
        name, arn = self.empty_rule(bus)
        self.point(bus, name, arn, target_arn, permitted=permitted, **target)
        return name, arn

    def empty_rule(self, bus: str) -> tuple[str, str]:
        name = self.name("rule")
        pattern = json.dumps({"source": [SOURCE]})
        arn = self.events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern)["RuleArn"]
        return name, arn

    def point(
        self,
        bus: str,
        rule: str,
        rule_arn: str,
        target_arn: str,
        *,
        permitted: bool = True,
        **target: Any,
    ) -> None:
        self.events.put_targets(
            Rule=rule, EventBusName=bus, Targets=[{"Id": "1", "Arn": target_arn, **target}]
        )
        if permitted:
            self.permit(target_arn, rule, rule_arn)

    def permit(
        self,
        function_arn: str,
        statement_id: str,
        source_arn: str,
        service: str = "events.amazonaws.com",
    ) -> None:
        """Let a service invoke a function, or the version or alias that the ARN names."""
        self.awslambda.add_permission(
            FunctionName=function_arn,
            StatementId=statement_id,
            Action="lambda:InvokeFunction",
            Principal=service,
            SourceArn=source_arn,
        )

    def publish(self, bus: str, count: int = 1, **metadata: str) -> list[str]:
        """Put events on a bus; returns their ids. Each has a number and a metadata.event_id."""
        ids = []
        for first in range(0, count, 10):
            entries = [
                {
                    "EventBusName": bus,
                    "Source": SOURCE,
                    "DetailType": DETAIL_TYPE,
                    "Detail": json.dumps(
                        {
                            "metadata": {"event_id": f"event-{number}", **metadata},
                            "data": {"number": number},
                        }
                    ),
                }
                for number in range(first, min(first + 10, count))
            ]
            answer = self.events.put_events(Entries=entries)
            assert answer["FailedEntryCount"] == 0
            ids += [entry["EventId"] for entry in answer["Entries"]]
        return ids

    def eventually(self, look: Callable[[], Any]) -> Any:
        """Look until there is something to see, as long as this cloud's `patience` lasts."""
        return eventually(look, self.patience)

    def settle(self, timeout: float = 300) -> None:
        """Wait until nothing is under way any more."""
        assert self.control.wait_idle(timeout), self.control.status()

    def messages(self, queue: Queue) -> list[dict[str, Any]]:
        """All that is in a queue, taken out."""
        found: list[dict[str, Any]] = []
        while batch := self.sqs.receive_message(
            QueueUrl=queue.url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
        ).get("Messages"):
            found += batch
        return found

    def as_role(self, role_arn: str, service: str) -> Any:
        """A client with a role's permissions."""
        credentials = self.sts.assume_role(RoleArn=role_arn, RoleSessionName="lab")["Credentials"]
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )


def bundle(files: dict[str, str]) -> bytes:
    """A function's zip."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def attributes(message: dict[str, Any]) -> dict[str, str]:
    """A message's attributes, without their types."""
    return {
        name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()
    }


def bus_arn(bus: str) -> str:
    return f"arn:aws:events:{REGION}:{ACCOUNT_ID}:event-bus/{bus}"


def eventually(look: Callable[[], Any], timeout: float = 300) -> Any:
    """Look until there is something to see."""
    deadline = time.monotonic() + timeout
    while not (seen := look()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return seen

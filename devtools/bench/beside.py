"""Make another flow beside the stack, on the same local cloud: bus, tables, functions, rules."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError

RUNTIME, ARCHITECTURE = "python3.13", "arm64"
MEMORY_MB, TIMEOUT_SECONDS = 512, 25
"""The defaults of `terraform/modules/event-function`, so that all flows have the same."""

READY_SECONDS = 60.0


@dataclass(frozen=True)
class Beside:
    """A flow with names of its own.

    Attributes:
        stack: The stack that it is beside.
        prefix: Begins each of its names, and is the source of its events.
    """

    stack: Stack
    prefix: str

    @property
    def bus(self) -> str:
        """Return the name of its bus."""
        return f"{self.prefix}-bus"

    def name(self, of: str) -> str:
        """Return the name of a table, function, rule or queue."""
        return f"{self.prefix}-{of}"

    def make_bus(self) -> None:
        """Make its event bus."""
        self.stack.client("events").create_event_bus(Name=self.bus)

    def make_table(self, table: str, key: str) -> None:
        """Make a table with one key, a text."""
        self.stack.client("dynamodb").create_table(
            TableName=self.name(table),
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        )

    def make_role(self, *actions: str) -> str:
        """Make the role of its functions; return its ARN."""
        iam = self.stack.client("iam")
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        allow = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        role = iam.create_role(RoleName=self.prefix, AssumeRolePolicyDocument=_policy(trust))
        iam.put_role_policy(RoleName=self.prefix, PolicyName="all", PolicyDocument=_policy(allow))
        return str(role["Role"]["Arn"])

    def make_queue(self, queue: str) -> str:
        """Make a queue that EventBridge may send to; return its ARN."""
        sqs = self.stack.client("sqs")
        url = sqs.create_queue(QueueName=self.name(queue))["QueueUrl"]
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn = str(answer["Attributes"]["QueueArn"])
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _policy(allow)})
        return arn

    def make_function(
        self, function: str, handler: str, code: bytes, role: str, environment: Mapping[str, str]
    ) -> str:
        """Make a function; return its ARN.

        Raises:
            WorkshopError: It does not become ready.
        """
        client = self.stack.client("lambda")
        client.create_function(
            FunctionName=self.name(function),
            Role=role,
            Runtime=RUNTIME,
            Architectures=[ARCHITECTURE],
            Handler=handler,
            Code={"ZipFile": code},
            MemorySize=MEMORY_MB,
            Timeout=TIMEOUT_SECONDS,
            Environment={"Variables": dict(environment)},
        )
        deadline = time.monotonic() + READY_SECONDS
        while True:
            state = client.get_function_configuration(FunctionName=self.name(function))
            if state["State"] == "Active":
                return str(state["FunctionArn"])
            if time.monotonic() > deadline:
                raise WorkshopError(
                    f"{self.name(function)} is still {state['State']} after {READY_SECONDS:.0f} s"
                )
            time.sleep(0.05)

    def make_rule(
        self, function: str, arn: str, pattern: Mapping[str, Any], dead_letters: str = ""
    ) -> None:
        """Deliver its events that match a pattern to a function.

        Args:
            function: The function.
            arn: Its ARN.
            pattern: What the events must match beside their source.
            dead_letters: ARN of the queue for events that cannot be delivered; empty: none.
        """
        name, events = self.name(function), self.stack.client("events")
        target: dict[str, Any] = {"Id": "function", "Arn": arn}
        if dead_letters:
            target["DeadLetterConfig"] = {"Arn": dead_letters}
        whole = json.dumps({"source": [self.prefix], **pattern})
        rule = events.put_rule(Name=name, EventBusName=self.bus, EventPattern=whole)["RuleArn"]
        events.put_targets(Rule=name, EventBusName=self.bus, Targets=[target])
        self.stack.client("lambda").add_permission(
            FunctionName=name,
            StatementId="bus",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=rule,
        )


def _policy(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

"""An event cannot be delivered, and its dead-letter queue does not take it either."""

from random import Random
from typing import Any

from workshop.incidents.incident import Change, Incident, orders
from workshop.incidents.settings import QueuePolicy, RulePermission


def incident(pick: Random) -> Incident:
    """Return the incident with details from `pick`."""
    key = pick.choice(["payment", "inventory", "shipping"])

    def for_another_service(policy: dict[str, Any]) -> dict[str, Any]:
        changed = [
            {**each, "Principal": {"Service": "sns.amazonaws.com"}}
            if each["Sid"] == "AllowRule"
            else each
            for each in policy["Statement"]
        ]
        return {**policy, "Statement": changed}

    return Incident(
        name="undelivered_lost",
        title="Orders vanish without a dead letter",
        symptom="""\
Customers say: our orders are stalled. The bus received their events, every rule is enabled,
and every pattern matches. No function logs an error, and all dead-letter queues are empty.
"Then nothing has failed," says the person on call.""",
        hints=(
            """\
Where does EventBridge report that it cannot deliver an event, if not in a queue? Look at metrics:
  eval "$(make -s env)"
  aws cloudwatch describe-alarms --state-value ALARM --query 'MetricAlarms[].AlarmName'""",
            """\
Two settings are wrong. This names the first:
  make why ARGS=ORDER
The second explains why there is no dead letter. Who may write to the queue `…-undelivered` of the
function?
  aws sqs get-queue-url --queue-name …
  aws sqs get-queue-attributes --attribute-names Policy --queue-url …""",
            f"""\
The function orderflow-{key} does not let its rule invoke it, and the policy of the queue
orderflow-{key}-undelivered allows another service to send. Terraform restores both. The events
are lost, so publish them again:
  make up
  make reconcile ARGS="--older-than 0"
""",
        ),
        debrief=f"""\
Two mistakes met. The permission of the rule to invoke orderflow-{key} was missing, so
EventBridge could not deliver. And the policy of the queue orderflow-{key}-undelivered named
the wrong service, so EventBridge could not write the dead letter. It then drops the event.

How to find it: only metrics show it. EventBridge counts FailedInvocations and
InvocationsFailedToBeSentToDlq, and both have an alarm. `make why` names the missing permission.

How to repair it: `make up` restores both. A redrive finds nothing: `make reconcile` publishes
the orders again. Whoever adds only the permission sees healthy orders, and has a safety net
with a hole: test dead-letter queues before you need them.""",
        orders=orders(pick, 2),
        changes=(
            Change(RulePermission(key), lambda _: {}),
            Change(
                QueuePolicy(key, "undelivered"),
                for_another_service,
                promise="An event that cannot be delivered becomes a dead letter",
            ),
        ),
    )

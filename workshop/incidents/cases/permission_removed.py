"""EventBridge has no permission to invoke a function: each event becomes a dead letter at once."""

from random import Random

from workshop.incidents.incident import Change, Incident, orders
from workshop.incidents.settings import RulePermission


def incident(pick: Random) -> Incident:
    """Return the incident with details from `pick`."""
    key = pick.choice(["payment", "inventory", "shipping"])
    return Incident(
        name="permission_removed",
        title="One service is silent",
        symptom=f"""\
The team of {key} says: we have had no orders since the last clean-up of permissions. Our
function works, we have just invoked it ourselves. Customers say that their orders are
stalled.""",
        hints=(
            """\
The function does not run, so its log is silent. What happens to an event before a function
runs? There are two dead-letter queues for each consumer:
  make dlq""",
            """\
NO_PERMISSIONS comes from EventBridge, not from the function. Which policy must allow it?
  make why ARGS=ORDER""",
            f"""\
The policy of the function orderflow-{key} does not let its rule invoke it. Terraform creates the
permission again:
  make up
  make redrive""",
        ),
        debrief=f"""\
The clean-up removed a statement from the resource policy of the function orderflow-{key}.
A person may still invoke the function, because the person's own role allows it. EventBridge
may not. It does not retry a missing permission: the event goes to {key}-undelivered at once.

How to find it: `make dlq` shows NO_PERMISSIONS. An alarm rings for the queue, and one for
failed invocations of the rule. The log of the function shows nothing.

How to repair it: `make up`, or `aws lambda add-permission`. Then `make redrive`.
From stage 6 on, the rule invokes the alias `live`, which has a policy of its own.""",
        orders=orders(pick, 2),
        changes=(Change(RulePermission(key), lambda _: {}),),
    )

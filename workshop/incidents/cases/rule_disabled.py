"""The rule of a consumer is disabled: its events reach nobody, and no error appears."""

from random import Random

from workshop.incidents.incident import Change, Incident, orders
from workshop.incidents.settings import Rule


def incident(pick: Random) -> Incident:
    """Return the incident with details from `pick`."""
    key, status = pick.choice([("inventory", "PAID"), ("shipping", "RESERVED")])
    return Incident(
        name="rule_disabled",
        title="Paid orders never ship",
        symptom="""\
Customers say: paid orders never ship. The bank has the money of every order. The warehouse
has not received a single one for an hour, and its staff has nothing to do. Nobody sees an
error.""",
        hints=(
            """\
Follow one of the orders. Which event was published last, and which function should have
received it?
  make follow ORDER=…""",
            """\
No function failed, so no log and no dead-letter queue has an entry. Ask what the bus did with
the events of the order:
  make why ARGS=ORDER""",
            f"""\
The rule orderflow-{key} is disabled. Terraform does not see that, but `make up` enables rules.
The events that came in the meantime are lost, so publish them again:
  make up
  make reconcile ARGS="--older-than 0"
""",
        ),
        debrief=f"""\
Somebody disabled the rule orderflow-{key}, perhaps to stop the function for a moment.
EventBridge drops an event that no enabled rule matches. That is not an error, so there is no
log line, no dead letter and no alarm. Only the orders show it: they stay {status}.

How to find it: `make follow` shows the last event. `make why` says that the rule is disabled.
`make status` shows it, too.

How to repair it: `make up`, or: aws events enable-rule --event-bus-name orderflow-bus
--name orderflow-{key}. That does not bring the lost events back. `make reconcile` publishes
OrderCreated again, and each service publishes its stored outcome again, up to the gap.
After 15 minutes the reconciler does this by itself. A replay of the archive works as well.
Terraform does not manage the state of a rule here: `make up` looks at it separately.""",
        orders=orders(pick, 2),
        changes=(Change(Rule(key), lambda rule: {**rule, "State": "DISABLED"}),),
    )

"""A message that can never succeed is in a queue beside an order that only has to be redriven."""

from random import Random

from workshop.incidents.incident import Change, Incident, orders
from workshop.incidents.settings import ReservedConcurrency


def incident(pick: Random) -> Incident:
    """Return the incident with details from `pick`."""
    number = f"{pick.choice('ABCDEFGH')}-{pick.randrange(1000, 10_000)}"
    amount = f"{pick.randrange(20, 300)},{pick.randrange(10, 100)}"
    return Incident(
        name="poison_message",
        title="An alarm rings all night",
        symptom="""\
The alarm orderflow-payment-failed-waiting has been ringing since midnight. At midnight the
payment function was switched off for some minutes, and it has worked again since then.
Somebody wants to purge the queue: "it only holds old messages." A customer says: you have not
charged me yet, and I still want my order.""",
        hints=(
            """\
Not every message in a queue is the same. Which of them is about the order of a customer?
  make dlq""",
            """\
Redrive all of them once. What fails again, and why? Show one of those in full:
  make redrive
  make dlq ARGS=ID""",
            """\
One event is no order of this system: it has no metadata, and can never succeed. Two consumers
received it, so there are two messages to delete. The order must be redriven, not deleted.
  make redrive
  make dlq ARGS='ID --discard'""",
        ),
        debrief=f"""\
Two things met in one queue. While the function was off, the order of a customer failed: it
only had to be redriven. And an old system published an OrderCreated in its own form, with the
order {number}: that event can never succeed (a poison message). It became a dead letter of
both consumers of OrderCreated. A redrive never removes it.

How to find it: `make redrive` separates them: one ✓, two ✗ with InvalidEventError.
`make dlq ARGS=ID` shows the whole event, which says where it came from.

How to repair it: `make redrive`, then `make dlq ARGS='ID --discard'` for each message that
remains, and talk to the producer. Purging the queue would have deleted the order, too.
(The order would have survived: the reconciler publishes open orders again. Do not plan for it.)
EventBridge checks no schema. The consumers do, so the event changed nothing.""",
        orders=orders(pick, 1),
        changes=(Change(ReservedConcurrency("payment"), lambda _: 0, lasts=False),),
        published=({"orderNumber": number, "sum": amount, "system": "legacy-shop"},),
    )

"""The timeout of payment is shorter than a slow answer of the gateway."""

from random import Random

from workshop.incidents.incident import Change, Incident, orders
from workshop.incidents.settings import Timeout


def incident(pick: Random) -> Incident:
    """Return the incident with details from `pick`."""
    return Incident(
        name="timeout_short",
        title="Customers of one bank cannot pay",
        symptom="""\
Customers of one bank say: our orders stay unpaid. The bank is slow this week, its answer takes
two seconds, but it charges every card. Customers of other banks have no problem. Yesterday a
colleague saved money: "payment needs 50 ms, why is its limit so high?"
An order like theirs: make order ARGS="MOUSE=1 --token tok_slow\"""",
        hints=(
            """\
Follow one of the orders. How often does payment try, and how does each try end?
  make follow ORDER=…""",
            """\
Sandbox.Timedout means: Lambda ended the function in the middle of its work. How long may it run?
  make dlq
  make logs ARGS=payment""",
            """\
The timeout of payment is 1 second, and the gateway needs 2. Terraform restores the timeout:
  make up
  make redrive""",
        ),
        debrief="""\
Somebody reduced the timeout of payment to 1 second. A timeout must be longer than the slowest
answer of what the function calls, not than its usual run. Lambda ended the function while it
waited, tried it again twice, and wrote a dead letter with Sandbox.Timedout.

How to find it: `make dlq` and the log show the timeout. The metric Duration stays at its limit.

How to repair it: `make up`, because Terraform knows the timeout. Then `make redrive`.
Whether the bank had charged the card at the first try is unknown to the function. Each try
sends the same idempotency key, so the bank charges once.
A timeout costs nothing while it is not reached: Lambda bills the time that is used.""",
        orders=orders(pick, 1, token="tok_slow"),  # noqa: S106 - a token of the simulated gateway
        changes=(Change(Timeout("payment"), lambda _: 1),),
    )

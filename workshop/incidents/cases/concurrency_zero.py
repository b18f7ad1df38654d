"""The reserved concurrency of a function is 0: Lambda gives its events up without running it."""

from random import Random

from workshop.incidents.incident import Change, Incident, orders
from workshop.incidents.settings import ReservedConcurrency


def incident(pick: Random) -> Incident:
    """Return the incident with details from `pick`."""
    key = pick.choice(["payment", "inventory", "shipping"])
    return Incident(
        name="concurrency_zero",
        title="Orders wait, and the logs are empty",
        symptom="""\
Last night another team's function used up all concurrency of the account, and somebody acted
quickly. The account is calm again. But customers say: orders do not arrive. The person on
call has read every log of the last hour. There is no error in any of them.""",
        hints=(
            """\
A log shows only what a function does while it runs. Which function does not run?
  make follow ORDER=…""",
            """\
EventBridge delivered the event, and Lambda accepted it. What Lambda gives up goes to a queue:
  make dlq""",
            f"""\
The function orderflow-{key} is switched off: its reserved concurrency is 0. Terraform removes this
limit, or you do:
  make up
  aws lambda delete-function-concurrency --function-name orderflow-{key}
Then redrive:
  make redrive""",
        ),
        debrief=f"""\
To stop a function quickly, people set its reserved concurrency to 0. Somebody did that to
orderflow-{key}, and nobody set it back. Lambda accepts each event, does not run the
function, does not retry, and writes the event to {key}-failed with ZeroReservedConcurrency.

How to find it: `make dlq` names the error. The metric Throttles counts it, and two alarms ring:
the one for the queue, and the one for throttles.

How to repair it: `make up`, or `aws lambda delete-function-concurrency`. Then `make redrive`.
This is a good switch in an emergency, because the queue keeps every event. Write down that you
used it.""",
        orders=orders(pick, 2),
        changes=(Change(ReservedConcurrency(key), lambda _: 0),),
    )

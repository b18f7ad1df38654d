"""A role may not publish any more: the outcome is stored, and nobody hears of it."""

from random import Random
from typing import Any

from workshop.incidents.incident import Change, Incident, orders
from workshop.incidents.settings import RolePolicy


def incident(pick: Random) -> Incident:
    """Return the incident with details from `pick`."""
    statement = pick.choice(["removed", "elsewhere"])

    def without_publishing(policy: dict[str, Any]) -> dict[str, Any]:
        kept = [each for each in policy["Statement"] if each["Sid"] != "PublishOwnEvents"]
        (publish,) = (each for each in policy["Statement"] if each["Sid"] == "PublishOwnEvents")
        if statement == "elsewhere":
            arn = publish["Resource"][0].rpartition("/")[0]
            kept.append({**publish, "Resource": [f"{arn}/default"]})
        return {**policy, "Statement": kept}

    how = "may not publish any more"
    if statement == "elsewhere":
        how = "may only publish on another bus"
    return Incident(
        name="publish_denied",
        title="The bank has the money, the shop does not know it",
        symptom="""\
Customers say: my card was charged, and the shop shows my order as unpaid. Two of them ask
whether they should order again. Accounting confirms: the money has arrived.""",
        hints=(
            """\
What does the row of the order say, and what does the row of its payment say?
  make follow ORDER=…""",
            """\
The payment function stores the charge, and then does one thing more. This fails three times:
  make logs ARGS=payment
  make dlq""",
            f"""\
The role of payment {how}. Terraform restores the policy. In the
redrive, payment finds its stored outcome and publishes it:
  make up
  make redrive""",
        ),
        debrief=f"""\
The role of the function payment {how} (events:PutEvents). The function stored the
charge first, then could not publish it. Lambda tried three times and wrote a dead letter.

How to find it: `make logs ARGS=payment` and `make dlq` show AccessDenied with the action and
the resource. The tables Orders and Payments disagree, which is the moment between write and
publish of lesson 1, but longer.

How to repair it: `make up`, because Terraform knows the policy. Then `make redrive`.
Nobody is charged twice: payment finds the charge of the order and only publishes it
(docs/adr/0001-publish-the-stored-outcome.md). A customer who orders again is charged again.
IAM is eventually consistent: on AWS wait some seconds between the two.""",
        orders=orders(pick, 2),
        changes=(Change(RolePolicy("payment"), without_publishing),),
    )

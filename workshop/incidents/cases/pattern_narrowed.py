"""The pattern of a rule matches fewer events than it should: only some orders are stalled."""

import json
from random import Random

from workshop.incidents.incident import Change, Incident, orders
from workshop.incidents.settings import Rule


def incident(pick: Random) -> Incident:
    """Return the incident with details from `pick`."""
    key = pick.choice(["payment", "inventory", "shipping"])

    def only_euros(rule: dict[str, str]) -> dict[str, str]:
        pattern = json.loads(rule["EventPattern"])
        data = pattern.setdefault("detail", {}).setdefault("data", {})
        data["order"] = {"currency": ["EUR"]}
        return {**rule, "EventPattern": json.dumps(pattern)}

    return Incident(
        name="pattern_narrowed",
        title="Customers in the US wait",
        symptom="""\
Customers in the US say: their orders make no progress. They pay in dollars. All other
customers are happy, the dashboard is green, and the number of orders looks as on any day.""",
        hints=(
            """\
Compare two journeys: that of an order below, and that of a new order in euros. Where does the
first one stop?
  make follow ORDER=…
  make order ARGS=MOUSE=1""",
            """\
The event was published, and a rule refused it. Because of which field?
  make why ARGS=ORDER""",
            f"""\
The pattern of the rule orderflow-{key} requires a currency. Terraform restores the pattern. Then
publish the events again that it refused:
  make up
  make reconcile ARGS="--older-than 0"
""",
        ),
        debrief=f"""\
Somebody changed the pattern of the rule orderflow-{key} in the console: it requires the
currency EUR. An event that no pattern matches is dropped without an error. Most orders are in
euros, so every total looked normal. Averages hide the failure of a small group.

How to find it: `make why ARGS=ORDER` names the field that the pattern refuses. On AWS,
`aws events describe-rule` shows the pattern, and the logs of the bus show rules that match.

How to repair it: `make up`, because Terraform knows the pattern (04-shipping/terraform/patterns/
and its neighbours). `make drift` would have shown the difference. Then `make reconcile`.
A lesson: change patterns in the repository, where the test of the routing table sees them.""",
        orders=orders(pick, 2, currency="USD"),
        changes=(Change(Rule(key), only_euros),),
    )

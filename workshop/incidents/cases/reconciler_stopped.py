"""Events were lost for a while, and the schedule of the reconciler is disabled."""

from random import Random

from workshop.incidents.incident import Change, Incident, orders
from workshop.incidents.settings import ReconcilerSchedule, Rule


def incident(pick: Random) -> Incident:
    """Return the incident with details from `pick`."""
    key = pick.choice(["payment", "inventory", "shipping"])
    return Incident(
        name="reconciler_stopped",
        title="Forgotten customers",
        symptom="""\
Some customers say: you have forgotten us. They ordered yesterday. Everybody who orders today
gets a parcel. There is no error, no dead letter, and nothing to redrive. "Lesson 5 says that
lost events are found after 15 minutes," says the shop. "Why were these not found?\"""",
        hints=(
            """\
A function looks for lost events every five minutes. When did it run last?
  make logs ARGS=reconciler""",
            """\
There are two things to repair: the orders, and what should have found them. What starts this
function?
  eval "$(make -s env)"
  aws scheduler get-schedule --name orderflow-reconciler""",
            """\
The schedule orderflow-reconciler is disabled. Terraform enables it. Do not wait for the next run:
  make up
  make reconcile ARGS="--older-than 0"
""",
        ),
        debrief=f"""\
Two failures met. Events for {key} were lost for some minutes (its rule was disabled, and is
enabled again). That alone is harmless: the reconciler finds such orders. But somebody had
disabled its schedule, so nothing looked for them. A safety net fails silently, and only when
you need it.

How to find it: no error and no dead letter means that an event was lost. `make why ARGS=ORDER`
says that the rule was disabled when the event was sent. The alarm orderflow-reconciler-absent
rings when the reconciler has not run for a while.

How to repair it: `make up` enables the schedule, because Terraform knows it. Then
`make reconcile ARGS="--older-than 0"`, or wait for the next run.
To repair only the orders is not enough: the next lost event would not be found either.""",
        orders=orders(pick, 3),
        changes=(
            Change(Rule(key), lambda rule: {**rule, "State": "DISABLED"}, lasts=False),
            Change(
                ReconcilerSchedule(),
                lambda _: "DISABLED",
                promise="An order whose event is lost now is found without your help",
            ),
        ),
    )

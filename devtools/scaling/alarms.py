"""How many alarms Terraform makes."""

import json

from workshop.paths import ROOT

KINDS = ROOT / "05-errors-dlq" / "terraform" / "alarms.json"
WITHOUT_EVENTS = 3
"""Functions that no event starts: order-api, redrive, reconciler."""


def number() -> int:
    """Return how many alarms a stack has from stage 5 on."""
    consumers = len(list(ROOT.glob("0[1-4]-*/terraform/patterns/*.json")))
    subjects = {"queue": 2 * consumers, "consumer": consumers, "rule": consumers}
    subjects |= {"function": WITHOUT_EVENTS, "reconciler": 1, "schedule": 1}
    kinds = json.loads(KINDS.read_text("utf-8"))
    return sum(len(alarms) * subjects[kind] for kind, alarms in kinds.items())

"""What the same faults did to both sides, as figures and by fault."""

from collections.abc import Mapping
from dataclasses import asdict

from devtools.bench.figures import Figure
from devtools.bench.under_faults import Outcome

WORDS = {
    "lost": "never end, and nothing is left to redrive",
    "stuck": "wait in a dead-letter queue, and each redrive fails",
    "charged_twice": "are charged twice",
    "reserved_twice": "take their units twice",
    "shipped_twice": "are shipped twice",
    "wrong_status": "have ended, and their status does not say so",
}
"""What may become of an order → in words."""


def figures(outcomes: Mapping[str, Outcome]) -> list[Figure]:
    """Return what became of the orders of both sides, all faults together."""
    ours, twin = outcomes["ours"], outcomes["conventional"]
    mine, other = asdict(ours.total), asdict(twin.total)
    orders = ours.total.orders
    found = [
        Figure(
            f"orders of {orders} that {words}",
            "",
            mine[name],
            "0",
            mine[name] == 0,
            conventional=other[name],
        )
        for name, words in WORDS.items()
    ]
    for name, words in {
        "oversold": "units sold that were not in stock",
        "missing": "units missing from the stock",
    }.items():
        value = getattr(ours, name)
        found.append(Figure(words, "", value, "0", value == 0, conventional=getattr(twin, name)))
    return [
        *found,
        Figure("dead letters redriven", "", ours.redriven, "–", None, conventional=twin.redriven),
        Figure(
            "orders re-published by the reconciler",
            "",
            ours.republished,
            "–",
            None,
            note="the conventional flow has none",
        ),
    ]


def by_fault(outcomes: Mapping[str, Outcome]) -> dict[str, dict[str, dict[str, int]]]:
    """Return fault → side → what became of its orders."""
    faults = outcomes["ours"].by_fault
    return {
        fault: {side: asdict(each.by_fault[fault]) for side, each in outcomes.items()}
        for fault in faults
    }

"""The board's views: each module has `routes(board)`, and its templates have its name."""

from workshop.board.views import (
    dead_letters,
    events,
    faults,
    flow,
    lesson,
    order,
    place_order,
    send,
    why,
)

ALL = (dead_letters, events, faults, flow, lesson, order, place_order, send, why)
"""All views."""

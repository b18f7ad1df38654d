"""The board's views: each module has `routes(board)`, and its templates have its name."""

from workshop.board.views import (
    dead_letters,
    events,
    faults,
    flow,
    lesson,
    order,
    orders,
    place_order,
    send,
    why,
)

ALL = (dead_letters, events, faults, flow, lesson, orders, order, place_order, send, why)
"""All views; `orders` has a path that would be an order's id for `order`."""

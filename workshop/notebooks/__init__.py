"""What the notebooks share: it finds the stack, waits, shows and cleans up.

The calls to AWS that a lesson is about stand in the notebooks themselves.
"""

from workshop.notebooks.charts import latency_chart, stock_chart
from workshop.notebooks.cleaning import clean_up
from workshop.notebooks.connecting import connect
from workshop.notebooks.connection import Connection
from workshop.notebooks.frames import hop_table, table
from workshop.notebooks.planning import plan
from workshop.notebooks.time_line import time_line
from workshop.notebooks.waiting import hops_of, settle
from workshop.orders.ordering import order_request

__all__ = [
    "Connection",
    "clean_up",
    "connect",
    "hop_table",
    "hops_of",
    "latency_chart",
    "order_request",
    "plan",
    "settle",
    "stock_chart",
    "table",
    "time_line",
]

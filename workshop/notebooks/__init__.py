"""What the notebooks share: it finds the stack, waits, shows and cleans up.

The calls to AWS that a lesson is about stand in the notebooks themselves.
"""

from workshop.notebooks.cleanup import clean_up
from workshop.notebooks.connecting import connect
from workshop.notebooks.connection import Connection
from workshop.notebooks.dead_letters import field_table, letter_of
from workshop.notebooks.latencies import hops_of_many, latencies, latency_table
from workshop.notebooks.ledger_tables import money_table, stock_table
from workshop.notebooks.permissions import permission_table, service_table
from workshop.notebooks.pictures.charts import latency_chart, stock_chart
from workshop.notebooks.pictures.timeline import time_line
from workshop.notebooks.sample_events import decided, order_created, out_of_stock
from workshop.notebooks.sampling import sampled
from workshop.notebooks.tables import hop_table, table
from workshop.notebooks.terraform_plan import plan, terraform_state
from workshop.notebooks.waiting import hops_of, hops_when, settle
from workshop.orders.api_client import order_request
from workshop.orders.ledger import entry

__all__ = [
    "Connection",
    "clean_up",
    "connect",
    "decided",
    "entry",
    "field_table",
    "hop_table",
    "hops_of",
    "hops_of_many",
    "hops_when",
    "latencies",
    "latency_chart",
    "latency_table",
    "letter_of",
    "money_table",
    "order_created",
    "order_request",
    "out_of_stock",
    "permission_table",
    "plan",
    "sampled",
    "service_table",
    "settle",
    "stock_chart",
    "stock_table",
    "table",
    "terraform_state",
    "time_line",
]

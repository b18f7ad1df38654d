"""Helpers of the notebooks: find the stack, wait, show tables and pictures, clean up.

A lesson's own calls to AWS are in the notebooks.
"""

from workshop.notebooks.cleanup import clean_up
from workshop.notebooks.connecting import connect
from workshop.notebooks.connection import Connection
from workshop.notebooks.dead_letters import dead_letter_of, field_table
from workshop.notebooks.latencies import hops_of_many, latencies, latency_table
from workshop.notebooks.ledger_tables import money_table, stock_table
from workshop.notebooks.permissions import permission_table, service_table
from workshop.notebooks.pictures.charts import latency_chart, stock_chart
from workshop.notebooks.pictures.timeline import time_line
from workshop.notebooks.sample_events import decided, order_created, out_of_stock
from workshop.notebooks.sampling import sampled
from workshop.notebooks.tables import hop_table, table
from workshop.notebooks.terraform_plan import plan, terraform_state
from workshop.notebooks.waiting import hops_of, hops_when, settle, wait_for_alarm
from workshop.notebooks.why import why_table
from workshop.orders.api_client import order_request
from workshop.orders.ledger import entry

__all__ = [
    "Connection",
    "clean_up",
    "connect",
    "dead_letter_of",
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
    "wait_for_alarm",
    "why_table",
]

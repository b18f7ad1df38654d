"""The stock item of an article has a value that is no number of units."""

from random import Random

from workshop.incidents.incident import ARTICLES, Change, Incident, orders
from workshop.incidents.settings import StockItem


def incident(pick: Random) -> Incident:
    """Return the incident with details from `pick`."""
    sku = pick.choice(ARTICLES)
    value = pick.choice([{"N": "12.5"}, {"S": "a dozen"}, {"N": "-3"}])
    (written,) = value.values()
    return Incident(
        name="stock_invalid",
        title="One article never ships",
        symptom=f"""\
Customers say: our orders are paid and never ship. All of them ordered {sku}. The warehouse
counted yesterday and typed the result in: there are a hundred. Other articles ship as usual.
An order like theirs: make order ARGS={sku}=1""",
        hints=(
            """\
Which function fails for these orders, and with which reason?
  make dlq""",
            """\
The reason is about data, not about code or permissions. What is in stock?
  make stock""",
            f"""\
The units on hand of {sku} are not a whole number from 0. Set them, then redrive:
  make stock ARGS="{sku}=100"
  make redrive""",
        ),
        debrief=f"""\
The value of on_hand for {sku} was {written}. DynamoDB accepts any type and any value in an
attribute that is no key. The inventory function checks what it reads: it refuses to reserve
from such an item, instead of calculating with it.

How to find it: `make dlq` shows InvalidStockError with the article, and `make stock` its value.

How to repair it: `make stock ARGS="{sku}=100"`, then `make redrive`. `make up` does not help:
Terraform manages tables, not items.
Who writes to a table besides its service? Only the warehouse's tool should, and it should use
a condition or a check of its own.""",
        orders=orders(pick, 2, article=sku),
        changes=(Change(StockItem(sku), lambda _: value),),
    )

"""The check of exercise 04.3 accepts no half solution, and says what is missing."""

from devtools.documents.running import working_copy
from tests.fixtures.exercise_checks import checked
from workshop.exercises import session
from workshop.exercises.catalogue import find

EXERCISE = find("04.3")

MISTAKES = {
    ("invoice_service/store.py", "A repeated event writes again"): (
        '            ConditionExpression="attribute_not_exists(order_id)",\n',
        "",
    ),
    ("invoice_service/service.py", "The amount is another one"): (
        '"amount": payment["amount"]',
        '"amount": paid.order["lines"][0]["unit_price"]',
    ),
    ("terraform/patterns/invoice.json", "Declined payments get invoices"): (
        "SUCCEEDED",
        "DECLINED",
    ),
    ("terraform/main.tf", "The function may read its table"): (
        'actions = ["PutItem"]',
        'actions = ["GetItem", "PutItem"]',
    ),
    ("terraform/main.tf", "No dead-letter queue"): (
        "  failure_handling = var.failure_handling\n",
        "",
    ),
}
"""File and what is wrong with it → a text of the solution, and what it is replaced by."""

SAYS = (
    "✗ A paid order gets an invoice\n      The payment is {'amount': ",
    "\n      The second event differs from the first one.",
    "\n      invoice.json selects PaymentProcessed/v1.declined.",
    "The service uses dynamodb:PutItem. Its role allows dynamodb:GetItem, dynamodb:PutItem.",
    "An event that EventBridge cannot deliver is lost: the rule's target has no dead-letter",
    "✓ There is an example of the event\n",
    "✓ Two orders get two invoices, with two numbers\n",
    "✓ Terraform creates the function orderflow-invoice, its rule and its table\n",
)


def test_check_names_what_a_solution_lacks(tmp_path):
    """All mistakes at once: most of the time goes into applying Terraform's configuration."""
    root = working_copy.make(tmp_path / "orders")
    session.start(EXERCISE, root=root)
    session.solve(EXERCISE, colour=False, root=root)
    for (name, _), (old, new) in MISTAKES.items():
        path = root / "07-invoice" / name
        text = path.read_text("utf-8")
        assert text.count(old) == 1, old
        path.write_text(text.replace(old, new), "utf-8")
    _, output = checked(root, EXERCISE.check)
    assert [each for each in SAYS if each not in output] == [], output

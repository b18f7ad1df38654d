"""DynamoDB refuses what AWS refuses; the rules are in `local_cloud.dynamodb_expressions`."""

from local_cloud.ministack.dynamodb import expressions, transactions


def install() -> None:
    """Attach all of it. Once per process, before the first request."""
    expressions.install()
    transactions.install()

"""DynamoDB refuses what AWS refuses; the rules are in `local_cloud.dynamodb_expressions`."""

from local_cloud.ministack.dynamodb import expressions, speed, transactions


def install() -> None:
    """Attach all of it. Once per process, before the first request."""
    speed.install()
    expressions.install()
    transactions.install()

"""The code of the conventional twin's functions.

It follows the samples and the documentation of Powertools for AWS Lambda: models for the Parser,
Logger, Tracer and Idempotency with its own table, a table's resource, and one call of PutEvents.
"""

"""The redrive: hand a dead letter to the consumer that failed, and to no other.

All but the handler needs only boto3 and `orderflow`: the command line runs the same code.
"""

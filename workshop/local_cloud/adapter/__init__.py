"""What MiniStack lacks of AWS's asynchronous delivery, put in front of its own code.

Runs inside the local cloud's interpreter, beside MiniStack, boto3 and the standard library.
Only `ministack_cloud`, `install` and `judging` know MiniStack's private names; the rest speaks of
AWS's documented behaviour and is tested without MiniStack.
"""

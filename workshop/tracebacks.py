"""Tracebacks of functions, without the frames of packages that a learner does not write."""

import re

_FRAME = re.compile(
    r'^ *File "(?!/var/task/(?!aws_lambda_powertools/))[^"]*", line \d+[^\n]*\n?(?: {4}[^\n]*\n?)*',
    re.MULTILINE,
)
"""A frame outside of a bundle's own packages, with its line of code."""


def shorten(text: str) -> str:
    """Return a text without the frames of Powertools, boto3 and Python.

    Args:
        text: A traceback as Python prints it, or a frame of it; other text stays as it is.
    """
    return _FRAME.sub("", text)

"""The board's address, and the token in it."""

import secrets
from urllib.parse import urlencode

PARAMETER = "token"
"""The name of the token's parameter in the address."""


def new_token() -> str:
    """Return a random token."""
    return secrets.token_urlsafe(32)


def address_of(port: int, token: str) -> str:
    """Return the board's address with its token."""
    return f"http://127.0.0.1:{port}/?{urlencode({PARAMETER: token})}"

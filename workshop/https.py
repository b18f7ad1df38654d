"""HTTPS with the certificate authorities that boto3 trusts.

Python from python.org on macOS has no list of authorities until *Install Certificates.command* has
run (bugs.python.org/issue29480). boto3 brings a list of its own.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from workshop.errors import UsageError

if TYPE_CHECKING:
    import ssl
    from urllib.request import BaseHandler, OpenerDirector

_OPENSSL_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def opener(address: str, *handlers: "BaseHandler") -> "OpenerDirector":
    """Return an opener for an address; over HTTPS it trusts what boto3 and this system trust.

    Args:
        address: What is opened; over plain HTTP no authorities are read, which takes 0.03 s.
        handlers: Others of `urllib.request`, such as a proxy's.

    Raises:
        UsageError: The file of authorities that a setting names cannot be read.
    """
    from urllib.request import HTTPSHandler, build_opener

    if not address.startswith("https:"):
        return build_opener(*handlers)
    return build_opener(HTTPSHandler(context=trusting()), *handlers)


def trusting() -> "ssl.SSLContext":
    """Return a context that trusts the system's authorities, and others besides.

    These are the ones of AWS_CA_BUNDLE, or of `ca_bundle` in AWS's configuration, or of
    REQUESTS_CA_BUNDLE, as for boto3. Without them, and without SSL_CERT_FILE or SSL_CERT_DIR, which
    replace the system's list, they are the ones that botocore brings.

    Raises:
        UsageError: The file that a setting names cannot be read.
    """
    import ssl  # noqa: PLC0415 - slow to import, and needed for HTTPS alone

    from botocore.httpsession import get_cert_path

    context = ssl.create_default_context()
    named = _named_bundle()
    if named is None and any(os.environ.get(each) for each in _OPENSSL_VARIABLES):
        return context
    path = named or get_cert_path(True)  # noqa: FBT003 - the function's own signature
    try:
        context.load_verify_locations(**{"capath" if Path(path).is_dir() else "cafile": path})
    except OSError as error:  # ssl.SSLError is one
        raise UsageError(
            f"The certificate authorities in {path} cannot be read ({error.strerror or error}). "
            "Correct or unset AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE or `ca_bundle`."
        ) from error
    return context


def _named_bundle() -> str | None:
    """Return the file or folder of authorities that boto3 is set to use; None for its own."""
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    try:
        named = Session().get_config_variable("ca_bundle")
    except BotoCoreError:  # no such profile, or no configuration that can be read
        named = os.environ.get("AWS_CA_BUNDLE")
    return named or os.environ.get("REQUESTS_CA_BUNDLE") or None

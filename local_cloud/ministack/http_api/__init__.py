"""HTTP APIs: what MiniStack does otherwise than AWS, one module for each reason."""

from local_cloud.ministack.http_api import proxy, raw_requests


def install() -> None:
    """Attach all patches of HTTP APIs. Once per process, before the first request."""
    raw_requests.install()
    proxy.install()

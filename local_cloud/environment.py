"""The environment variables of the server and of every function: not those of the learner."""

import os
import shutil
from pathlib import Path

from local_cloud.settings import Settings

ACCOUNT_ID = "000000000000"

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT", "COMSPEC", "PATHEXT")


def make(settings: Settings) -> dict[str, str]:
    """Empty the cloud's temporary directory and return an environment that uses it."""
    directory = Path(settings.directory)
    temporary = directory / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)  # the functions' code of the last start
    temporary.mkdir()
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        **dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"), str(temporary)),
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(settings.port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "STATE_DIR": str(directory / "state"),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        "LAMBDA_WARM_TTL_SECONDS": "60",
        # No Docker, even where it runs: a socket that does not exist.
        "DOCKER_HOST": f"unix://{temporary / 'no-docker.sock'}",
    }

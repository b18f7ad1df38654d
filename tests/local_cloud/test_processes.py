"""Processes: their limits and their end."""

import subprocess
import sys
from pathlib import Path

import pytest

from local_cloud import processes
from workshop.paths import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")

LIMITED = """
import resource
from local_cloud.processes import allow_open_files
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, {hard}))
allow_open_files()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize("hard", ["hard", "100"])
def test_server_opens_as_many_files_as_the_system_allows(hard):
    """The shell's soft limit is 256 on macOS, and each order in flight takes several."""
    code = LIMITED.format(hard=hard)
    printed = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    soft, most = map(int, printed.split())
    assert soft == (most if 0 < most <= 65_536 else 65_536)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux shows it")
def test_zombie_of_another_process_has_ended():
    child = subprocess.Popen([sys.executable, "-c", ""])
    assert processes.ended(child.pid, 60)
    child.wait()

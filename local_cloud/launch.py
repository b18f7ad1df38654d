"""Start the server: run this file with the interpreter that has MiniStack and boto3.

It makes the repository importable for this process only. PYTHONPATH would do that too, but
functions inherit the environment, and a function that imports what its bundle lacks must fail.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from local_cloud.server import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

"""The maintainers' command line: ``python -m devtools``."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - parses on any Python, to say so
    sys.stderr.write(
        "Python 3.11 or newer is required, this is %d.%d. "  # noqa: UP031
        "Name a newer one, such as: make PYTHON=python3.13 test\n" % sys.version_info[:2]
    )
    sys.exit(2)

from workshop.interpreter import continue_if_made

if __name__ == "__main__":
    continue_if_made("devtools")
    from devtools.launcher import main

    main()

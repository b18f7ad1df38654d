"""The workshop's command line: ``python -m workshop``.

This file and the package's ``__init__`` parse on any Python, so that an old one prints the message.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the point of this file
    sys.stderr.write(
        "The workshop needs Python 3.11 or newer, this is %d.%d. "  # noqa: UP031
        "Name a newer one, such as: make PYTHON=python3.13 demo\n" % sys.version_info[:2]
    )
    sys.exit(2)

from workshop.interpreter import continue_if_made

if __name__ == "__main__":
    continue_if_made("workshop")
    from workshop.launcher import main

    main()

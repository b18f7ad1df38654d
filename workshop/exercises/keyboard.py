"""Keys that need no Enter."""

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

ReadKey = Callable[[float], str]
"""Waits at most so many seconds, and returns the key that was pressed; "" if none was."""

END_OF_INPUT = "\x04"
"""Ctrl-D, and what a terminal that is gone returns."""

_SEQUENCE = re.compile(r"\x1b(\[[0-9;]*|O)?.?")
"""What a terminal sends for an arrow or Home: several characters, and none of them is a key."""

if sys.platform == "win32":
    import msvcrt

    @contextmanager
    def keys() -> Iterator[ReadKey]:
        """Read keys without Enter."""

        def read(seconds: float) -> str:
            end = time.monotonic() + seconds
            while not msvcrt.kbhit():
                if time.monotonic() > end:
                    return ""
                time.sleep(0.02)
            return msvcrt.getwch()

        yield read

else:
    import os
    import select
    import termios
    import tty

    @contextmanager
    def keys() -> Iterator[ReadKey]:
        """Read keys without Enter and without echo; restore the terminal at the end.

        Ctrl-C raises KeyboardInterrupt, as always.
        """
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)

        def read(seconds: float) -> str:
            if not select.select([terminal], [], [], seconds)[0]:
                return ""
            typed = os.read(terminal, 64).decode("utf-8", "replace") or END_OF_INPUT
            return _SEQUENCE.sub("", typed)[-1:]

        try:
            tty.setcbreak(terminal)
            yield read
        finally:
            with suppress(termios.error):  # the terminal was closed
                termios.tcsetattr(terminal, termios.TCSANOW, before)

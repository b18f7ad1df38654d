"""Compare an output with the sample on a page."""

import difflib
import re
from collections import Counter

LEFT_OUT = "…"
"""A line of a sample that stands for any lines."""

NEAREST = 3

MASKS = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)?", "<time>"),
        (r"\b(ord|shp|ch|re)_[0-9a-f]+(…|\b)", r"\1_<id>"),
        (r"\b[0-9a-f]{8}\b(?!-)", "<id>"),
        (r"\bWORKSHOP_CLOUD=\S+ (?=make )", ""),  # pages run on a cloud of their own
        (r"https?://(127\.0\.0\.1|localhost):\d+", "<url>"),
        (r"\+?\b\d+(\.\d+)? (s|seconds?)\b", "<duration>"),
        (r"\b\d+[smhd]\b", "<age>"),
        (r"\(\d+ms at \d+ traces/second\)", "<speed>"),
        # Events may overtake each other; then the later one changes nothing more.
        (r"(\btracked\s.*)(\(no change\)|→ (PAID|RESERVED))$", r"\1<forward or not>"),
    )
)
"""Pattern of a text that differs from run to run → its replacement. The first match wins."""


def masked(line: str) -> str:
    """Return a line with replacements for varying text, and with single blanks."""
    for pattern, instead in MASKS:
        line = pattern.sub(instead, line)
    return " ".join(line.split())


def missing(sample: str, output: str) -> list[tuple[int, str]]:
    """Return the lines of a sample that an output lacks, or has less often.

    Args:
        sample: The sample on a page.
        output: The output; its lines may be in any order, with others between.

    Returns:
        Index in the sample, and line.
    """
    left = Counter(map(masked, output.splitlines()))
    lacking = []
    for index, line in enumerate(sample.splitlines()):
        wanted = masked(line)
        if wanted in {"", LEFT_OUT}:
            continue
        if left[wanted]:
            left[wanted] -= 1
        else:
            lacking.append((index, line))
    return lacking


def nearest(line: str, output: str) -> list[str]:
    """Return the lines of an output that are most similar to a line, most similar first."""
    lines = {masked(each): each for each in output.splitlines()}
    found = difflib.get_close_matches(masked(line), lines, n=NEAREST, cutoff=0.3)
    return [lines[each] for each in found]

"""The guide for a fifth service quotes the example that a test deploys."""

import re

from devtools.documents import fifth_service
from workshop.paths import ROOT

PAGE = (ROOT / "docs/extending.md").read_text("utf-8")


def test_the_guide_lists_every_file_outside_the_folder():
    table = PAGE.partition("| file outside the folder |")[2].partition("\n\n")[0]
    listed = re.findall(r"^\| [`[]([\w./-]+)", table, re.MULTILINE)
    assert sorted(listed) == sorted(fifth_service.edited_files())


def test_the_guide_quotes_every_edit():
    quoted = re.findall(r'\[\[\[cog edit\("(.+)"\)', PAGE)
    added = [name for name in fifth_service.edited_files() if name.startswith("orderflow/")]
    assert sorted(quoted + added) == sorted(fifth_service.edited_files())

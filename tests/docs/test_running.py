"""Pages run in reading order: blocks are found, run and compared; differences are reported."""

import os
import shutil
from functools import cache
from itertools import pairwise

import pytest
from order_service import status

from devtools.documents.running import comparison, working_copy
from devtools.documents.running.editing import edit
from devtools.documents.running.page_blocks import COMMANDS, OUTPUT, parse
from devtools.documents.running.page_runner import play
from devtools.documents.running.session import Session
from local_cloud import processes
from tests.docs import all_pages
from workshop.errors import UsageError
from workshop.paths import ROOT

needs_bash = pytest.mark.skipif(
    os.name == "nt" or not shutil.which("bash"), reason="the pages' commands are bash's"
)


def page(*parts):
    """A page of fenced blocks: markers, language and text each."""
    blocks = []
    for markers, language, text in parts:
        lines = [*(f"<!-- {each} -->" for each in markers), f"```{language}", text, "```"]
        blocks.append("\n".join(lines))
    return "\n\nSome words.\n\n".join(blocks) + "\n"


def played(session, *parts):
    """What is not as such a page says."""
    return play(parse(page(*parts), "page.md"), session)


@pytest.fixture
def session(tmp_path):
    return Session(tmp_path, working_copy.environment("nobodys"), patience=20)


# The pages as they are.


@cache
def blocks_of_pages():
    """The blocks of each page: all are understood, or this fails."""
    return [parse(all_pages.text(page), all_pages.name(page)) for page in all_pages.PAGES]


def every_block():
    return [block for page in blocks_of_pages() for block in page]


def test_pages_have_commands_that_are_run():
    assert any(block.language == COMMANDS and not block.left_out for block in every_block())


def test_a_file_that_a_marker_names_exists():
    """The test that runs a block, or the file that a learner changes."""
    named = {
        block.where: block.markers[marker]
        for block in every_block()
        for marker in ("run by", "edit")
        if marker in block.markers
    }
    assert named
    assert {where: path for where, path in named.items() if not (ROOT / path).is_file()} == {}


def test_every_sample_follows_the_commands_that_print_it():
    """Before a sample there is a block of commands, or another sample of theirs."""
    astray = [
        block.where
        for page in blocks_of_pages()
        for before, block in pairwise([None, *page])
        if block.language == OUTPUT and (not before or before.language not in {COMMANDS, OUTPUT})
    ]
    assert astray == []


# Blocks.


def test_a_block_knows_its_line_its_text_and_its_markers():
    """Several markers may stand above a fence."""
    (block,) = parse(page((["exits 2", "types: 000"], "sh", "make x\nmake y")), "docs/a.md")

    assert (block.where, block.text) == ("docs/a.md:3", "make x\nmake y\n")
    assert (block.exit_code, block.markers["types"], block.left_out) == (2, "000", False)


def test_a_block_in_a_list_has_its_markers_and_no_indentation():
    """A list's indentation belongs to neither."""
    text = "1. First:\n\n   <!-- run by: tests/x.py -->\n   ```sh\n   make x\n   ```\n"

    (block,) = parse(text, "a.md")

    assert block.left_out
    assert (block.line, block.text) == (4, "make x\n")


def test_a_fence_inside_a_longer_fence_is_no_block():
    """Markdown about Markdown is not run."""
    assert len(parse("````json\n```sh\nrm\n```\n````\n", "a.md")) == 1


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (([], "", "x"), "a.md:1: this block has no language"),
        (([], "bash", "x"), "a.md:1: bash is none of sh, text, diff"),
        ((["runby: x"], "sh", "x"), "a.md:1: there is no such marker: <!-- runby: x -->"),
        ((["not run:"], "sh", "x"), "a.md:1: there is no such marker"),
        ((["exits two"], "sh", "x"), "a.md:2: exits takes an exit code"),
        ((["exits 2"], "text", "x"), "a.md:2: exits does not belong to a block of text"),
        ((["edit: a.py"], "sh", "x"), "a.md:2: edit does not belong to a block of sh"),
        (([], "diff", "+x"), "a.md:1: which file is changed?"),
    ],
)
def test_invalid_block_is_an_error(parts, message):
    """The message names page, line and fault."""
    with pytest.raises(UsageError) as refused:
        parse(page(parts), "a.md")
    assert str(refused.value).startswith(message)


# The session.


@needs_bash
def test_what_a_block_leaves_the_next_one_finds(session, tmp_path):
    """Exports, their removal, and the directory; a value may have lines."""
    (tmp_path / "inside").mkdir()

    session.run("export KEPT=$'a\\nb' GONE=1\ncd inside")
    session.run("unset GONE")

    assert session.run('echo "$KEPT ${GONE-gone}"; pwd').output == f"a\nb gone\n{tmp_path}/inside\n"


@needs_bash
def test_the_first_command_that_fails_ends_its_block(session):
    """Its exit code is the block's; what it said on either stream is kept, in order."""
    done = session.run("echo one; echo two >&2; (exit 3); echo never")

    assert (done.output, done.code) == ("one\ntwo\n", 3)


@needs_bash
def test_a_failure_before_a_pipe_counts(session):
    """The last command of a pipe does not hide it."""
    assert session.run("(exit 4) | cat").code == 4


@needs_bash
def test_a_failed_block_leaves_its_environment_too(session):
    """Other commands follow a command that is expected to fail."""
    session.run("export KEPT=1\nfalse")

    assert session.run("echo $KEPT").output == "1\n"


@needs_bash
def test_nothing_is_typed_but_what_is_said(session):
    """A question finds the answer, and the next one none."""
    done = session.run("read -r answer; echo got $answer; read -r more || echo nothing", "yes\n")

    assert done.output == "got yes\nnothing\n"


@needs_bash
def test_a_block_that_takes_too_long_is_ended_with_all_it_started(tmp_path):
    """Its children are ended, too, and what it said is kept."""
    hasty = Session(tmp_path, working_copy.environment("nobodys"), patience=0.5)

    done = hasty.run("echo begun; sleep 60 & echo $! > child; wait")

    assert (done.output, done.code) == ("begun\n", None)
    assert processes.ended(int((tmp_path / "child").read_text()), 10)


def test_a_learner_has_no_variables_of_whoever_runs_the_tests(monkeypatch):
    """Neither credentials nor what make and pytest tell their children."""
    foreign = (
        "AWS_PROFILE",
        "MAKEFLAGS",
        "STAGE",
        "PYTEST_XDIST_WORKER",
        "GIT_DIR",
        "GITHUB_TOKEN",
    )
    for name in foreign:
        monkeypatch.setenv(name, "x")

    variables = working_copy.environment("lessons")

    assert not set(foreign) & variables.keys()
    assert variables["WORKSHOP_CLOUD"] == "lessons"
    assert variables["PATH"] == os.environ["PATH"]


# Manual changes.


def test_a_change_is_made_where_its_lines_stand(tmp_path):
    """Lines that stay, go and come; the rest of the file is as it was."""
    path = tmp_path / "a.py"
    path.write_text("one\n    two\n\nthree\n", "utf-8")

    edit(path, "     two\n\n-three\n+3\n")

    assert path.read_text("utf-8") == "one\n    two\n\n3\n"


@pytest.mark.parametrize(("text", "times"), [("a\nb\n", 0), ("x\ny\nx\ny\n", 2)])
def test_a_change_whose_lines_are_not_there_once_is_an_error(tmp_path, text, times):
    """Nobody would know where to make it; the file stays."""
    path = tmp_path / "a.py"
    path.write_text(text, "utf-8")

    with pytest.raises(UsageError, match=rf"a\.py has the lines .* {times} times, not once"):
        edit(path, " x\n+z\n")
    assert path.read_text("utf-8") == text


def test_a_change_that_shows_no_line_of_the_file_is_an_error(tmp_path):
    """It would fit everywhere."""
    with pytest.raises(UsageError, match="at least one line"):
        edit(tmp_path / "a.py", "+x\n")


# The comparison.


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("ord_c867ab46e38259f28fe8035e2bc1bce6: x", "ord_1418edd7ee4f43f9bd81088b42d6a588: x"),
        ("1  ord_d1d5…  shp_ce3b…", "1  ord_0000…  shp_ffff…"),
        ("shipment_id=shp_e80aea4a53e18ee8", "shipment_id=shp_51f1aea4a53e18ee"),
        ("9cd0454d  payment", "aa00454d  payment"),
        ("at=2026-11-23T00:31:44.378Z", "at=2027-01-02T10:00:00.001Z"),
        ("+0.012 s payment", "+14.333 s payment"),
        ("Stage 6 is up (24.4 s).", "Stage 6 is up (9 s)."),
        ("GatewayUnavailableError  3  4s", "GatewayUnavailableError  3  1m"),
        ("at http://127.0.0.1:4566/x", "at http://127.0.0.1:4571/x"),
        ("waited 5 seconds", "waited 1 second"),
        ("   a    b ", "a b"),
        ("order-tracker  tracked  x (no change)", "order-tracker  tracked  x → PAID"),
    ],
)
def test_what_differs_from_run_to_run_is_not_compared(shown, printed):
    """Ids, moments, durations, ages, addresses, columns."""
    assert comparison.missing(shown, printed) == []


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("tracked  x → REFUNDED", "tracked  x → PAYMENT_DECLINED"),
        ("tracked  x → REFUNDED", "tracked  x (no change)"),
        ("payments  attempts=3", "payments  attempts=1"),
        ("total=137.00 EUR", "total=29.00 EUR"),
        ("KEYBOARD          9 on hand", "KEYBOARD          8 on hand"),
        ("shipping        2 → 1", "shipping        3 → 2"),
        ("GatewayUnavailableError  3  4s", "GatewayUnavailableError  4  4s"),
        ("Stage 6 is up: 20 added", "Stage 6 is up: 21 added"),
        ("ord_c867ab46: x", "shp_c867ab46: x"),
    ],
)
def test_everything_else_is_compared(shown, printed):
    """Statuses, counts, sums, versions."""
    assert comparison.missing(shown, printed) == [(0, shown)]


@pytest.mark.parametrize("reached", [name for name in status.RANKS if name != status.CREATED])
def test_an_event_may_overtake_those_before_it_but_not_the_last(reached):
    """Which event moved an order that goes on is not compared; which one ended it is."""
    missing = comparison.missing(f"tracked  x → {reached}", "tracked  x (no change)")
    assert bool(missing) == (status.RANKS[reached] == status.FINAL_RANK)


def test_lines_may_come_in_any_order_but_as_often_as_shown():
    """Which function is faster is chance; how many there are is not."""
    assert comparison.missing("a\nb\na\n", "b\nx\na\na\n") == []
    assert comparison.missing("a\nb\na\n", "b\nx\na\n") == [(2, "a")]


def test_an_ellipsis_stands_for_lines_that_are_left_out():
    """Blank lines are not compared, either."""
    assert comparison.missing("a\n   …\n\nb\n", "a\nx\nb\n") == []


def test_the_nearest_lines_are_those_most_like_it():
    """They help to see what has changed."""
    printed = "The order is PAID.\nsomething else\nThe order is RESERVED.\n"

    assert comparison.nearest("The order is PAID!", printed)[0] == "The order is PAID."


# A page, played.


@needs_bash
def test_a_page_that_is_true_has_no_faults(session):
    """Commands, samples, an exit code, typed input, and a manual change."""
    faults = played(
        session,
        ([], "sh", "printf 'one\\ntwo\\n' > a.txt; cat a.txt"),
        ([], "text", "one"),
        ([], "text", "two"),
        (["edit: a.txt"], "diff", " one\n-two\n+three"),
        (["exits 2"], "sh", "cat a.txt; exit 2"),
        ([], "text", "three"),
        (["types: yes"], "sh", "read -r said; echo $said"),
        ([], "text", "yes"),
        ([], "json", "{}"),
    )

    assert faults == []


@needs_bash
def test_missing_line_is_reported_with_similar_ones(session):
    """By page and line; all of them, and the page goes on."""
    faults = played(
        session,
        ([], "sh", "echo The order is PAID."),
        ([], "text", "…\nThe order is CREATED."),
        ([], "sh", "touch gone-on"),
    )

    lines = ("  The order is CREATED.", "nearest to it:", "  The order is PAID.")
    assert faults == ["\n".join(("page.md:9: the output has no (more) such line:", *lines))]
    assert (session.directory / "gone-on").exists()


@needs_bash
@pytest.mark.parametrize(
    ("markers", "commands", "how"),
    [
        ([], "echo oh; exit 3", "ended with 3, not with 0"),
        (["exits 2"], "echo oh; exit 0", "ended with 0, not with 2"),
        ([], "echo oh; (exit 3); true", "ended with 3 at ( exit 3 ), not with 0"),
        (
            ["exits 2"],
            "echo oh\ncat /none/x 2> /dev/null || ls /none/x 2> /dev/null\nexit 2",
            "ended with 2 at ls /none/x 2> /dev/null, not with 2",
        ),
    ],
)
def test_a_block_that_ends_otherwise_ends_its_page(session, markers, commands, how):
    """Its output is reported; later blocks are not run."""
    faults = played(session, (markers, "sh", commands), ([], "sh", "touch gone-on"))

    assert len(faults) == 1
    assert f"this block {how}. It said:\n  oh" in faults[0]
    assert not (session.directory / "gone-on").exists()


@needs_bash
def test_a_change_that_does_not_fit_ends_its_page(session):
    """The file is not what the page takes it for."""
    (session.directory / "a.txt").write_text("other\n", "utf-8")

    faults = played(session, (["edit: a.txt"], "diff", " one\n+two"), ([], "sh", "touch gone-on"))

    assert faults == ["page.md:2: a.txt has the lines of this change 0 times, not once."]
    assert not (session.directory / "gone-on").exists()


@needs_bash
@pytest.mark.parametrize("marker", ["not run: it takes a day", "run by: tests/x.py"])
def test_what_is_not_run_is_not_compared(session, marker):
    """Nor is its sample held against the block before it."""
    faults = played(
        session,
        ([], "sh", "echo one"),
        ([marker], "sh", "touch gone-on"),
        ([], "text", "not the output of what was run before"),
    )

    assert faults == []
    assert not (session.directory / "gone-on").exists()


# The copy.


@needs_bash
def test_the_copy_is_a_clean_repository_that_runs_its_own_code(tmp_path):
    """Environments and clouds are this checkout's; a file that is changed there is not ours."""
    copy = working_copy.make(tmp_path / "copy")

    asked = Session(copy, working_copy.environment("nobodys"))
    assert asked.run("git status --porcelain; git ls-files .venv").output == ""
    assert asked.run("git log --oneline | wc -l").output.strip() == "1"
    where = "python -c 'import workshop.paths; print(workshop.paths.ROOT)'"
    assert asked.run(f".venv/bin/{where}").output == f"{copy}\n"
    assert not (copy / "README.md").is_symlink()


def test_sample_names_no_cloud_although_pages_run_on_their_own():
    sample, output = "Run: make up STAGE=5", "Run: WORKSHOP_CLOUD=lessons make up STAGE=5"
    assert comparison.missing(sample, output) == []

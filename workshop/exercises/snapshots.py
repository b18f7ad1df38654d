"""The working copy as a commit, byte for byte, without touching index, branches or stash.

Git itself would leave out what is not added, and change line ends; so each file is stored as it
lies there, through an index of its own.
"""

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workshop.errors import EXPECTED, UsageError, WorkshopError

_NAMED = {
    "GIT_AUTHOR_NAME": "workshop",
    "GIT_AUTHOR_EMAIL": "workshop@localhost",
    "GIT_COMMITTER_NAME": "workshop",
    "GIT_COMMITTER_EMAIL": "workshop@localhost",
}
"""Who commits, whatever the learner has told git, or not."""

_EXECUTE = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


@dataclass(frozen=True, slots=True)
class Blob:
    """A file in a snapshot: git's mode, and the name of its content."""

    mode: str
    sha: str


class Repository:
    """The git repository around a working copy; its trees may be named by their commits."""

    def __init__(self, root: Path) -> None:
        """Take the working copy's root.

        Raises:
            UsageError: It is no git repository of its own.
        """
        self.root = root
        own = (root / ".git").exists()  # then git's own words say what is wrong with it
        top = self._run("rev-parse", "--show-toplevel", check=own).strip()
        if not top or not root.samefile(top):
            raise UsageError(
                "This is no git repository, so nothing could be put back: "
                "get the workshop with git clone."
            )

    def snapshot(self) -> str:
        """Store all files that git knows or would take; return the tree."""
        listed = self._run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = [name for name in dict.fromkeys(listed.split("\0")) if name]
        links = [name for name in names if (self.root / name).is_symlink()]
        plain = [name for name in names if name not in links and (self.root / name).is_file()]
        said = [_quoted(name) for name in plain]
        stored = self._run("hash-object", "-w", "--no-filters", "--stdin-paths", said=said)
        blobs = {
            name: Blob(self._mode(name), sha)
            for name, sha in zip(plain, stored.split(), strict=True)
        }
        for name in links:
            target = str((self.root / name).readlink())
            sha = self._run("hash-object", "-w", "--stdin", said=target).strip()
            blobs[name] = Blob("120000", sha)
        return self._tree(blobs)

    def commit(self, tree: str, message: str, reference: str, parent: str) -> None:
        """Keep a tree under a reference, as a commit that follows another."""
        self._run("update-ref", reference, self.commit_tree(tree, message, parent))

    def commit_tree(self, tree: str, message: str, parent: str | None) -> str:
        """Store a commit that nothing refers to yet; return its name."""
        follows = ("-p", parent) if parent else ()
        return self._run("commit-tree", tree, *follows, "-m", message).strip()

    def name_of(self, revision: str) -> str | None:
        """Return the name of the commit that a revision stands for; None: there is none."""
        return self._run("rev-parse", "--verify", "--quiet", revision, check=False).strip() or None

    def message(self, reference: str) -> str | None:
        """Return what was said of what is kept under a reference; None: there is nothing."""
        found = self._run("log", "-1", "--format=%B", reference, "--", check=False).strip()
        return found or None

    def forget(self, reference: str) -> None:
        """Remove a reference."""
        self._run("update-ref", "-d", reference)

    def patched(self, tree: str, patch: Path) -> str:
        """Return a tree after a patch.

        Raises:
            WorkshopError: The patch does not fit.
        """
        with self._index(tree) as index:
            try:
                self._run("apply", "--cached", "--whitespace=nowarn", str(patch), index=index)
            except EXPECTED as error:
                raise WorkshopError(f"{patch.name} does not fit: {error}") from error
            return self._run("write-tree", index=index).strip()

    def paths_of(self, patch: Path) -> list[str]:
        """Return the files that a patch changes, makes or removes."""
        listed = self._run("apply", "--numstat", "-z", str(patch))
        return [line.split("\t")[2] for line in listed.split("\0") if line]

    def changed(self, before: str, after: str) -> list[str]:
        """Return the files in which two trees differ."""
        listed = self._run("diff-tree", "-r", "-z", "--name-only", before, after)
        return [name for name in listed.split("\0") if name]

    def difference(self, before: str, after: str, paths: Iterable[str], *, colour: bool) -> str:
        """Return how files of two trees differ, as people read it."""
        shade = "--color=always" if colour else "--color=never"
        return self._run("diff", "--no-ext-diff", shade, before, after, "--", *paths)

    def restore(self, tree: str, paths: Iterable[str]) -> None:
        """Make files of the working copy what they are in a tree; what is not in it goes."""
        blobs = self._blobs(tree)
        for name in paths:
            path, blob = self.root / name, blobs.get(name)
            if blob is None:
                path.unlink(missing_ok=True)
                self._tidy(path.parent)
                continue
            content = self._said("cat-file", "blob", blob.sha)
            path.parent.mkdir(parents=True, exist_ok=True)
            if blob.mode == "120000":
                path.unlink(missing_ok=True)
                path.symlink_to(content.decode())
                continue
            if path.is_symlink():
                path.unlink()
            whole = _half_written(path)
            whole.write_bytes(content)
            if os.name == "posix":
                known = path if path.exists() else whole
                mode = stat.S_IMODE(known.stat().st_mode) & ~_EXECUTE
                readers = (mode >> 2) & _EXECUTE
                whole.chmod(mode | readers if blob.mode == "100755" else mode)
            whole.replace(path)

    def clean(self, paths: Iterable[str]) -> None:
        """Remove what a `restore` of these files left that was killed."""
        for name in paths:
            _half_written(self.root / name).unlink(missing_ok=True)

    def _tidy(self, folder: Path) -> None:
        """Remove folders that nothing is left in."""
        while folder != self.root and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent

    def _mode(self, name: str) -> str:
        mode = (self.root / name).stat().st_mode
        return "100755" if os.name == "posix" and mode & stat.S_IXUSR else "100644"

    def _tree(self, blobs: Mapping[str, Blob]) -> str:
        entries = "".join(f"{each.mode} {each.sha}\t{name}\0" for name, each in blobs.items())
        with self._index() as index:
            self._run("update-index", "-z", "--index-info", said=entries, index=index)
            return self._run("write-tree", index=index).strip()

    @contextmanager
    def _index(self, tree: str | None = None) -> Iterator[str]:
        """An index of its own, for as long as it is needed; empty, or of a tree."""
        with tempfile.TemporaryDirectory(prefix="workshop-index-") as folder:
            path = str(Path(folder) / "index")
            if tree:
                self._run("read-tree", tree, index=path)
            yield path

    def _blobs(self, tree: str) -> dict[str, Blob]:
        found = {}
        for entry in self._run("ls-tree", "-r", "-z", tree).split("\0"):
            if entry:
                about, _, name = entry.partition("\t")
                mode, _, sha = about.split(" ")
                found[name] = Blob(mode, sha)
        return found

    def _run(
        self,
        *command: str,
        said: str | list[str] = "",
        index: str | None = None,
        check: bool = True,
    ) -> str:
        """Run git; return what it says, as text.

        Raises:
            WorkshopError: It failed; the message is its own.
        """
        told = self._said(*command, said=said, index=index, check=check)
        return told.decode("utf-8", "surrogateescape")

    def _said(
        self,
        *command: str,
        said: str | list[str] = "",
        index: str | None = None,
        check: bool = True,
    ) -> bytes:
        words = "".join(f"{line}\n" for line in said) if isinstance(said, list) else said
        ours = {name: each for name, each in os.environ.items() if not name.startswith("GIT_")}
        try:
            done = subprocess.run(
                ["git", "-c", "core.quotePath=false", *command],
                cwd=self.root,
                env=ours | _NAMED | ({"GIT_INDEX_FILE": index} if index else {}),
                input=words.encode("utf-8", "surrogateescape"),
                capture_output=True,
                check=False,
            )
        except FileNotFoundError:
            raise UsageError("git is missing: install it, then run this again.") from None
        if done.returncode and check:
            raise WorkshopError(done.stderr.decode("utf-8", "replace").strip())
        return b"" if done.returncode else done.stdout


def _half_written(path: Path) -> Path:
    return path.with_name(f".{path.name}.restored")


def _quoted(name: str) -> str:
    """A file's name on a line of its own, as git reads it."""
    if not set(name) & set('"\n'):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'

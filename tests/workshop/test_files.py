"""Writing files as a whole."""

from pathlib import Path

import pytest

from workshop.files import write_atomically


@pytest.mark.parametrize("content", ["line\n€\n", b"line\n\xe2\x82\xac\n"])
def test_file_holds_what_was_written_and_nothing_else_is_left(tmp_path, content):
    path = tmp_path / "record.json"
    path.write_text("old", "utf-8")
    write_atomically(path, content)
    assert path.read_bytes() == "line\n€\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_file_is_as_it_was_when_writing_fails(tmp_path, monkeypatch):
    """Half of it was written when the disk was full."""
    path = tmp_path / "record.json"
    path.write_text("old", "utf-8")
    write = Path.write_bytes

    def half(self, data):
        write(self, data[:2])
        raise OSError

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError):  # noqa: PT011 - any
        write_atomically(path, "new content")
    assert path.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]

"""Every way to say what is to be answered, and what the model is asked then."""

import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from xverse_chat.chat.backend import Message
from xverse_chat.cli.question import Inquiry, read_attachments, read_question
from xverse_chat.errors import DataError, UsageError

TALK = '[{"role": "system", "content": "旧"}, {"role": "user", "content": "问"}]'
USER, SYSTEM = "user", "system"


def ask(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    prompt: str | None = None,
    piped: bytes | None = None,
    files: Sequence[str] = (),
    messages: str | None = None,
    system: str | None = None,
) -> list[tuple[str, str]]:
    """Return role and text of what would be asked, with files a.txt, b.txt, talk.json there."""
    monkeypatch.chdir(folder)
    for name, text in (("a.txt", "甲\n"), ("b.txt", "乙"), ("talk.json", TALK)):
        Path(name).write_text(text, encoding="utf-8")
    Path("piped").write_bytes(piped or b"")
    with Path("piped" if piped is not None else "/dev/null").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        inquiry = Inquiry(prompt, messages, tuple(files), system)
        asked = read_question(inquiry, read_attachments(inquiry.files))
    return [(message.role, message.content) for message in asked]


A, B = "===== a.txt =====\n甲", "===== b.txt =====\n乙"


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"prompt": "问"}, [(USER, "问")]),
        ({"piped": b"in\n"}, [(USER, "in")]),
        ({"prompt": "问", "piped": b"in\n"}, [(USER, "in\n\n问")]),
        ({"prompt": "问", "piped": b"\n"}, [(USER, "问")]),
        ({"files": ["a.txt"]}, [(USER, A)]),
        ({"files": ["b.txt", "a.txt"], "prompt": "问"}, [(USER, f"{B}\n\n{A}\n\n问")]),
        ({"files": ["a.txt"], "piped": b"in", "prompt": "问"}, [(USER, f"{A}\n\nin\n\n问")]),
        ({"files": ["-"], "piped": b"in", "prompt": "问"}, [(USER, "===== stdin =====\nin\n\n问")]),
        (
            {"files": ["a.txt", "-"], "piped": b"in"},
            [(USER, f"{A}\n\n===== stdin =====\nin")],
        ),
        ({"messages": "talk.json"}, [(SYSTEM, "旧"), (USER, "问")]),
        ({"messages": "talk.json", "piped": b"not read"}, [(SYSTEM, "旧"), (USER, "问")]),
        ({"messages": "-", "piped": TALK.encode()}, [(SYSTEM, "旧"), (USER, "问")]),
        ({"messages": "talk.json", "files": ["a.txt"]}, [(SYSTEM, "旧"), (USER, f"{A}\n\n问")]),
        ({"messages": "talk.json", "system": "新"}, [(SYSTEM, "新"), (USER, "问")]),
        (
            {"prompt": "问", "system": "新", "files": ["a.txt"]},
            [(SYSTEM, "新"), (USER, f"{A}\n\n问")],
        ),
        ({"piped": "汉字".encode("gbk")}, [(USER, "汉字")]),
        ({"piped": b"\xff\xfe\xff"}, [(USER, "\ufffd\ufffd\ufffd")]),
    ],
    ids=str,
)
def test_what_is_asked(
    options: dict[str, object],
    asked: list[tuple[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert ask(tmp_path, monkeypatch, **options) == asked  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "nothing to answer"),
        ({"prompt": " "}, "nothing to answer"),
        ({"prompt": "问", "messages": "talk.json"}, "-p and --messages both"),
        ({"files": ["-", "-"], "piped": b"x"}, "more than once"),
        ({"files": ["-"], "messages": "-", "piped": b"x"}, "more than once"),
        ({"files": ["c.txt"]}, r"There is no file c\.txt"),
        ({"messages": "c.json"}, r"There is no file c\.json"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_a_usage_error(
    options: dict[str, object], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=told):
        ask(tmp_path, monkeypatch, **options)  # type: ignore[arg-type]


def test_a_terminal_is_not_read_in_place_of_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("typed"))
    with pytest.raises(UsageError, match="stdin is a terminal"):
        read_attachments(["-"])
    inquiry = Inquiry("问", None, (), None)
    assert read_question(inquiry, ()) == (Message("user", "问"),)


def test_a_pipe_that_never_ends_is_read_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/zero").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        with pytest.raises(DataError, match="larger than 1 MiB"):
            read_attachments(["-"])

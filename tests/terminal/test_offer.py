import io
from pathlib import Path

import pytest

from xverse_chat.terminal.offer import Choice, offer_model
from xverse_chat.terminal.texts import Texts
from xverse_chat.terminal.texts_chinese import CHINESE
from xverse_chat.terminal.texts_english import ENGLISH


def offered(
    monkeypatch: pytest.MonkeyPatch, typed: bytes, texts: Texts = ENGLISH, folder: str = "/data"
) -> Choice:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed), encoding="utf-8"))
    return offer_model("a/b", size_bytes=14_600_000_000, folder=Path(folder), texts=texts)


@pytest.mark.parametrize(
    ("typed", "choice"),
    [
        (b"1\n", Choice.DOWNLOAD),
        (b"\n", Choice.DOWNLOAD),
        (b" 2 \n", Choice.DEMO),
        (b"3\n", Choice.LEAVE),
        (b"", Choice.LEAVE),
        (b"yes\n4\n2\n", Choice.DEMO),
    ],
)
def test_what_is_typed_is_what_happens(
    typed: bytes, choice: Choice, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert offered(monkeypatch, typed) is choice


@pytest.mark.parametrize("texts", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_it_says_how_much_and_where_to(
    texts: Texts, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offered(monkeypatch, b"3\n", texts, "/data/my \x1b[2Jfolder")
    said = capsys.readouterr().out
    assert "14.6 GB" in said
    assert "/data/my folder" in said
    assert "\x1b" not in said


def test_an_answer_that_is_none_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offered(monkeypatch, b"nine\n3\n")
    assert "1, 2 or 3" in capsys.readouterr().out

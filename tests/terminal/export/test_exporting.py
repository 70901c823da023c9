import json
from pathlib import Path

import pytest

from xverse_chat.chat.backend import Message
from xverse_chat.chat.transcript import Transcript
from xverse_chat.errors import UsageError
from xverse_chat.terminal.export.exporting import SUFFIXES, export
from xverse_chat.terminal.texts_chinese import CHINESE

SAID = Transcript("问候", "", "demo", (Message("user", "你好"), Message("assistant", "好")))


@pytest.mark.parametrize(
    ("name", "begins"), [("a.md", "# 问候"), ("a.JSON", "["), ("a.html", "<!DOCTYPE html>")]
)
def test_the_name_says_what_a_file_becomes(tmp_path: Path, name: str, begins: str) -> None:
    export(SAID, tmp_path / name, CHINESE)
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(begins)


@pytest.mark.parametrize("name", ["a", "a.txt", ".md"])
def test_another_name_is_refused_with_those_that_are_known(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=" ".join(SUFFIXES)):
        export(SAID, tmp_path / name, CHINESE)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_conversation_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Nothing was said"):
        export(Transcript("", "", "", (Message("system", "x"),)), tmp_path / "a.md", CHINESE)


def test_an_existing_export_is_replaced_only_when_that_is_allowed(tmp_path: Path) -> None:
    export(SAID, tmp_path / "a.json", CHINESE)
    with pytest.raises(UsageError):
        export(SAID, tmp_path / "a.json", CHINESE)
    shorter = Transcript("", "", "", SAID.messages[:1])
    export(shorter, tmp_path / "a.json", CHINESE, may_replace=True)
    assert len(json.loads((tmp_path / "a.json").read_text())) == 1

"""What happens before the first word of a conversation: the offer, the check, what is expected."""

import io
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from xverse_chat.chat.backend import ModelDescription
from xverse_chat.cli import conversation, download
from xverse_chat.cli.loader import Loader
from xverse_chat.cli.question import Inquiry
from xverse_chat.cli.remembrance import Remembrance
from xverse_chat.cli.source import find_source
from xverse_chat.config import DEFAULT_MODEL_ID, model_folder_path
from xverse_chat.errors import UnavailableError
from xverse_chat.terminal import repl
from xverse_chat.terminal.current_texts import CurrentTexts
from xverse_chat.terminal.texts import Texts

DEFAULT = ModelDescription("xverse/XVERSE-7B-Chat", "int4", "cpu", context_tokens=0)
NOTHING_ASKED = Inquiry(prompt=None, messages_file=None, files=(), system=None)
DEMO = ModelDescription("demo", "int4", "cpu", context_tokens=0)


class TerminalFile(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[ModelDescription]:
    """Collect what conversations would be held with."""
    held: list[ModelDescription] = []

    def run_conversation(load: Any, expected: ModelDescription, **options: Any) -> None:
        held.append(expected)
        raise SystemExit(0)

    monkeypatch.setattr(repl, "run_conversation", run_conversation)
    # The folders of these tests are empty.
    monkeypatch.setattr(Loader, "check", lambda self: self.source.check_is_there())
    monkeypatch.setattr(Loader, "bits", property(lambda self: self.quant))
    return held


def converse(
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    *,
    model: str | None = None,
    stdout: io.StringIO | None = None,
) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    monkeypatch.setattr("sys.stdout", stdout or TerminalFile())
    source = find_source(model, demo=False, cache_dir=cache, quant=4)
    loader = Loader(source, device="cpu", dtype=None, quant=4)
    with suppress(SystemExit):
        return conversation.converse(
            loader,
            {},
            inquiry=NOTHING_ASKED,
            remembrance=Remembrance(False, None, saves=False, keeps_history=False),
            texts=CurrentTexts.of("en"),
            plain=False,
        )
    return 0


def test_the_download_is_offered_and_leads_to_the_conversation(
    held: list[ModelDescription], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bring(model_id: str, *, cache_dir: Path, texts: Texts, plain: bool) -> None:
        find_source(model_id, demo=False, cache_dir=cache_dir).folder.mkdir(parents=True)

    monkeypatch.setattr(download, "download_showing_progress", bring)
    assert converse(tmp_path, monkeypatch, "1\n") == 0
    assert held == [DEFAULT]


def test_the_demo_is_offered(
    held: list[ModelDescription], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Loader, "check", lambda self: None)
    assert converse(tmp_path, monkeypatch, "2\n") == 0
    assert held == [DEMO]


def test_leaving_is_offered(
    held: list[ModelDescription], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert converse(tmp_path, monkeypatch, "3\n") == 0
    assert held == []


def test_a_model_that_is_there_is_talked_to_at_once(
    held: list[ModelDescription], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_source(None, demo=False, cache_dir=tmp_path).folder.mkdir(parents=True)
    assert converse(tmp_path, monkeypatch, "") == 0
    assert held == [DEFAULT]


def test_a_model_that_is_there_in_8_bits_is_not_offered_again(
    held: list[ModelDescription], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_folder_path(tmp_path, DEFAULT_MODEL_ID, 8).mkdir(parents=True)
    with pytest.raises(UnavailableError, match="in 8 bits, and not in 4"):
        converse(tmp_path, monkeypatch, "1\n")
    assert held == []


@pytest.mark.parametrize(
    ("model", "stdout"), [(None, io.StringIO()), ("xverse/XVERSE-13B-Chat", TerminalFile())]
)
def test_without_a_terminal_or_the_default_model_nothing_is_offered(
    model: str | None,
    stdout: io.StringIO,
    held: list[ModelDescription],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(UnavailableError) as raised:
        converse(tmp_path, monkeypatch, "1\n", model=model, stdout=stdout)
    assert "xverse-download" in raised.value.hint
    assert held == []

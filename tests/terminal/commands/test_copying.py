"""Copying: which text, and the bytes that ask a terminal or tmux for it."""

import base64
import os
from pathlib import Path

import pytest

from tests.terminal.desk import Screen
from xverse_chat.terminal.clipboard import MOST_BYTES
from xverse_chat.terminal.commands.copying import code_blocks

ANSWER = "Two:\n```python\nprint('你好')\n\n```\nand\n~~~~\n```\nb\n```\n~~~~\ndone"


def osc52(text: str) -> bytes:
    return b"\x1b]52;c;" + base64.b64encode(text.encode()) + b"\x07"


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("none", []),
        (ANSWER, ["print('你好')\n", "```\nb\n```"]),
        ("```\nopen", ["open"]),
        ("1. a\n   ```sh\n   ls\n     x\n   ```\n2. b", ["ls\n  x"]),
        ("> ```\n> quoted\n> ```", ["quoted"]),
        ("```inline``` is none", []),
        ("````\n```\n````", ["```"]),
    ],
)
def test_code_blocks_are_what_stands_between_their_fences(text: str, blocks: list[str]) -> None:
    assert code_blocks(text) == blocks


def test_copy_sends_the_whole_answer() -> None:
    screen = Screen()
    screen.converse("q", ANSWER)
    screen.type("/copy")
    assert screen.copied == osc52(ANSWER)
    assert screen.text.startswith(f"Copied {len(ANSWER)} characters.")


def test_copy_with_a_number_sends_that_code_block() -> None:
    screen = Screen()
    screen.converse("q", ANSWER)
    screen.type("/copy 1")
    assert screen.copied == osc52("print('你好')\n")


@pytest.mark.parametrize("line", ["/copy 3", "/copy 0", "/copy x"])
def test_copy_of_a_block_that_is_not_there_sends_nothing(line: str) -> None:
    screen = Screen()
    screen.converse("q", ANSWER)
    screen.type(line)
    assert screen.copied == b""
    assert screen.text.startswith("Error: ")


def test_copy_before_any_answer_says_so() -> None:
    screen = Screen("zh")
    screen.type("/copy")
    assert screen.text == "错误：还没有可以复制的回答。\n"


def test_what_is_copied_holds_nothing_that_a_shell_would_obey() -> None:
    screen = Screen()
    screen.converse("q", "ls\x1b[201~\x03rm")
    screen.type("/copy")
    assert screen.copied == osc52("lsrm")


def test_a_text_up_to_the_limit_is_copied_and_a_longer_one_refused_with_figures() -> None:
    screen = Screen()
    screen.converse("q", "x" * MOST_BYTES)
    screen.type("/copy")
    assert len(screen.copied) == len(osc52("x" * MOST_BYTES)) <= 100_000
    assert screen.text.startswith("Copied")
    screen.converse("q", "x" * (MOST_BYTES + 1))
    screen.type("/copy")
    assert screen.copied == b""
    assert "takes 75.0 kB at most" in screen.text


def test_a_plain_terminal_is_sent_nothing() -> None:
    from xverse_chat.terminal.clipboard import Clipboard

    screen = Screen()
    screen.desk.clipboard = Clipboard(None, {})
    screen.converse("q", "a")
    screen.type("/copy")
    assert screen.text.startswith("Error: Nothing can be copied here")


def fake_tmux(folder: Path, code: int) -> dict[str, str]:
    """Return the variables of a program inside a tmux that keeps what it is handed."""
    folder.mkdir()
    program = folder / "tmux"
    program.write_text(
        f'#!/bin/sh\ncat > "{folder}/buffer"\necho "$@" > "{folder}/called"\nexit {code}\n'
    )
    program.chmod(0o755)
    return {"TMUX": "/tmp/tmux,1,0", "PATH": f"{folder}:{os.environ['PATH']}"}


def copied_inside(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, str]:
    from xverse_chat.terminal.clipboard import Clipboard

    monkeypatch.setenv("PATH", variables.get("PATH", os.environ["PATH"]))
    screen, sent = Screen(), bytearray()
    screen.desk.clipboard = Clipboard(sent.extend, variables)
    screen.converse("q", "text")
    screen.type("/copy")
    return bytes(sent), screen.text


def test_inside_tmux_it_is_tmux_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, shown = copied_inside(fake_tmux(tmp_path / "bin", 0), monkeypatch)
    assert sent == b""
    assert (tmp_path / "bin" / "buffer").read_text() == "text"
    assert (tmp_path / "bin" / "called").read_text() == "load-buffer -w -\n"
    assert "tmux has it" in shown


def test_a_tmux_too_old_for_that_is_sent_both_kinds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, _ = copied_inside(fake_tmux(tmp_path / "bin", 1), monkeypatch)
    plain = osc52("text")
    wrapped = b"\x1bPtmux;" + plain.replace(b"\x1b", b"\x1b\x1b") + b"\x1b\\"
    assert sent == plain + wrapped


def test_over_ssh_from_inside_tmux_both_kinds_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    sent, _ = copied_inside({"TERM": "tmux-256color"}, monkeypatch)
    assert sent.startswith(osc52("text") + b"\x1bPtmux;\x1b\x1b]52;")

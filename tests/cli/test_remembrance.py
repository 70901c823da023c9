"""Which earlier conversation the options ask for, as the program understands them."""

import sys
from pathlib import Path

import pytest

from tests.program import environment, run
from tests.pseudo_terminal import ENTER, PseudoTerminal
from xverse_chat.chat.store import Store

PROGRAM = [sys.executable, "-m", "xverse_chat"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--continue", "--session", "x"], "both say which conversation"),
        (["--session", " "], "needs the name of a conversation"),
        (["--continue", "--messages", "x"], "--messages is a whole conversation"),
        (["--session", "x", "--json", "--messages", "-"], "--messages is a whole conversation"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_a_usage_error(options: list[str], told: str, tmp_path: Path) -> None:
    done = run(PROGRAM, "--demo", *options, home=tmp_path)
    assert done.returncode == 2
    assert told in (done.stdout + done.stderr).decode()


def talk(home: Path, *options: str, question: str = "你好") -> str:
    """Ask the demo model one question; return what the screen showed."""
    command = [*PROGRAM, "--demo", "--device", "cpu", "--lang", "zh", *options]
    with PseudoTerminal(command, environment=environment(home)) as terminal:
        terminal.wait_for(">")
        terminal.type(question + ENTER)
        terminal.wait_for("个 token ·", timeout_s=60)
        terminal.type("/exit" + ENTER)
        assert terminal.exit_code() == 0
        return terminal.text


def test_the_demo_remembers_after_the_program_has_ended(tmp_path: Path) -> None:
    talk(tmp_path, question="我叫小雨")
    screen = talk(tmp_path, "--continue", question="我叫什么名字？")
    assert "继续“我叫小雨”" in screen
    assert "> 我叫什么名字？\n你叫小雨。" in screen
    folder = tmp_path / ".local" / "share" / "xverse-chat" / "conversations"
    (identity,) = Store(folder).identities()
    assert Store(folder).read(identity).messages[3].content == "你叫小雨。"


def test_no_save_keeps_nothing(tmp_path: Path) -> None:
    talk(tmp_path, "--no-save")
    assert not list(tmp_path.rglob("*.jsonl"))

"""A conversation that is read out: what is written, and that nothing is ever written twice."""

from pathlib import Path

import pytest

from tests.program import CHAT, environment
from tests.pseudo_terminal import CTRL_C, ENTER, PseudoTerminal
from tests.terminal.conversation import LONG, Start, starter

REPLY = "# 标题\n\n第一**段**。\n\n```python\nprint(1)\n```\n\n| 甲 | 乙 |\n|---|---|\n| 1 | 2 |\n"


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return starter(tmp_path)


def test_each_message_is_named_and_written_in_whole_paragraphs(start: Start) -> None:
    with start(language="zh", screen_reader=True, replies=[list(REPLY)]) as terminal:
        terminal.wait_for("你：")
        terminal.type("写一段" + ENTER)
        terminal.wait_for(
            "你：写一段\n"
            "模型：标题：标题\n"
            "第一段。\n"
            "python 代码：\n"
            "print(1)\n"
            "代码结束。\n"
            "表格，2 列，1 行：\n"
            "甲: 1; 乙: 2\n"
            f"{len(REPLY)} 个 token"
        )
        terminal.wait_until(lambda: terminal.lines[terminal.cursor[0]] == "你：", "a prompt")
        assert b"\x1b" not in terminal.raw
        assert b"\r" not in terminal.raw.replace(b"\r\n", b"")


def test_an_interrupt_writes_what_was_said(start: Start) -> None:
    with start(screen_reader=True, replies=[LONG], piece_s=0.02) as terminal:
        terminal.wait_for("You:")
        terminal.type("count" + ENTER)
        terminal.watch(0.5)
        terminal.type(CTRL_C)
        terminal.wait_for("(interrupted)")
        assert "Model: 一二三" in terminal.text
        assert b"\x1b" not in terminal.raw


@pytest.mark.parametrize(
    ("options", "variables", "is_read_out"),
    [
        ([], {"ACCESSIBLE": "1"}, True),
        (["--no-screen-reader", "--plain"], {"ACCESSIBLE": "1"}, False),
    ],
)
def test_the_program_can_be_told_to_redraw_nothing(
    tmp_path: Path, options: list[str], variables: dict[str, str], is_read_out: bool
) -> None:
    command = [*CHAT, "--demo", "--lang", "en", *options]
    with PseudoTerminal(command, environment=environment(tmp_path, **variables)) as terminal:
        terminal.wait_for("You:")
        terminal.type("Write some Python code" + ENTER)
        terminal.wait_for("tokens/s", timeout_s=40)
        assert ("End of code." in terminal.text) is is_read_out
        assert ("```" in terminal.text) is not is_read_out
        terminal.type("/exit" + ENTER)
        assert terminal.exit_code() == 0
        assert b"\x1b" not in terminal.raw

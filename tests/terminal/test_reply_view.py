import io
import os

import pytest
from rich.console import Console

from xverse_chat.terminal.live_area import LiveArea
from xverse_chat.terminal.markdown.blocks import Code
from xverse_chat.terminal.markdown.layout import Layout
from xverse_chat.terminal.markdown.styles import Line
from xverse_chat.terminal.reply_view import FRAME_INTERVAL_S, LONGEST_INTERVAL_S, ReplyView


class Clock:
    """Stands still, but for what each look at it takes."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.look_s = 0.0

    def __call__(self) -> float:
        self.now_s += self.look_s
        return self.now_s


class Shown:
    """A view whose drawings can be counted."""

    def __init__(self) -> None:
        self.file = io.StringIO()
        self.clock = Clock()
        console = Console(file=self.file, force_terminal=True)
        self.view = ReplyView(LiveArea(console), lambda: console.width, self.clock)

    @property
    def text(self) -> str:
        return self.file.getvalue()

    @property
    def drawings(self) -> int:
        return self.text.count("\x1b[?2026h")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("LINES", raising=False)
    monkeypatch.setattr("os.get_terminal_size", lambda _: os.terminal_size((40, 10)))
    return Shown()


def test_the_first_piece_is_seen_at_once_and_the_next_ones_together(shown: Shown) -> None:
    shown.view.add("一")
    assert "一" in shown.text
    for piece in "二三四":
        shown.view.add(piece)
    assert shown.drawings == 1
    shown.clock.now_s += FRAME_INTERVAL_S
    shown.view.refresh()
    assert shown.drawings == 2
    assert "一二三四" in shown.text


def test_nothing_is_drawn_where_nothing_came(shown: Shown) -> None:
    shown.view.add("一")
    shown.clock.now_s += 10
    shown.view.refresh()
    assert shown.drawings == 1


def test_drawings_that_take_long_become_rare(shown: Shown) -> None:
    shown.clock.look_s = 0.01
    shown.view.add("一")
    shown.clock.now_s += LONGEST_INTERVAL_S
    shown.view.add("二")
    drawings = shown.drawings
    shown.clock.now_s += FRAME_INTERVAL_S
    shown.view.add("三")
    assert shown.drawings == drawings
    shown.clock.now_s += LONGEST_INTERVAL_S
    shown.view.refresh()
    assert shown.drawings == drawings + 1


def test_a_resize_is_drawn_though_nothing_came(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown.view.add("一")
    monkeypatch.setattr("os.get_terminal_size", lambda _: os.terminal_size((50, 10)))
    shown.view.refresh()
    assert shown.drawings == 2


def test_the_end_prints_all_that_came_since_the_last_drawing(shown: Shown) -> None:
    shown.view.add("一")
    shown.view.add("二\n\n三")
    shown.view.end()
    assert "一二\n\n三\n" in shown.text
    assert shown.text.endswith("\x1b[?25h")


def test_of_the_open_part_of_code_only_what_can_be_seen_is_coloured(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    class CountingLayout(Layout):
        def code(self, code: Code) -> list[Line]:
            sizes.append(len(code.lines))
            return super().code(code)

    monkeypatch.setattr("xverse_chat.terminal.reply_view.Layout", CountingLayout)
    shown.view.add("```python\n" + "  x = 1\n" * 100)
    assert sizes[-1] == 8

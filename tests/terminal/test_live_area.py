import io
import os
from collections.abc import Sequence

import pyte
import pytest
from rich.console import Console
from rich.segment import Segment
from rich.style import Style

from xverse_chat.terminal.live_area import LiveArea
from xverse_chat.terminal.markdown.styles import Line

COLUMNS, ROWS = 20, 8


class Window:
    """A live area and the screen that shows what it writes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._file = io.StringIO()
        self._screen = pyte.HistoryScreen(COLUMNS, ROWS)
        self._stream = pyte.Stream(self._screen)
        self._monkeypatch.delenv("COLUMNS", raising=False)
        self._monkeypatch.delenv("LINES", raising=False)
        self._resize(COLUMNS, ROWS)
        self.area = LiveArea(Console(file=self._file, force_terminal=True))
        self.written = ""

    def draw(self, *live: str, printed: Sequence[str] = ()) -> None:
        self.area.draw(map(line, live), printed=map(line, printed))
        self._show()

    def clear(self, *printed: str) -> None:
        self.area.clear(printed=map(line, printed))
        self._show()

    def widen(self, columns: int) -> None:
        self._resize(columns, ROWS)
        self._screen.resize(ROWS, columns)

    @property
    def rows(self) -> list[str]:
        rows = [row.rstrip() for row in self._screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @property
    def cursor(self) -> tuple[int, int]:
        return self._screen.cursor.y, self._screen.cursor.x

    @property
    def is_cursor_hidden(self) -> bool:
        return bool(self._screen.cursor.hidden)

    def _resize(self, columns: int, rows: int) -> None:
        size = os.terminal_size((columns, rows))
        self._monkeypatch.setattr("os.get_terminal_size", lambda _: size)

    def _show(self) -> None:
        self.written = self._file.getvalue()
        self._file.seek(0)
        self._file.truncate()
        self._stream.feed(self.written.replace("\n", "\r\n"))


def line(text: str) -> Line:
    return [Segment(text)] if text else []


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Window:
    return Window(monkeypatch)


def test_rows_are_drawn_in_the_place_of_those_before(window: Window) -> None:
    window.draw("one", "two")
    assert window.cursor == (0, 0)
    window.draw("one", "2", "three")
    assert window.rows == ["one", "2", "three"]
    window.draw("last")
    assert window.rows == ["last"]


def test_only_rows_that_changed_are_written(window: Window) -> None:
    window.draw("the first row", "the second row")
    window.draw("the first row", "the second row goes on"[:20])
    assert "first" not in window.written
    window.draw("the first row", "the second row goes on"[:20])
    assert window.written == ""


def test_what_is_printed_stays_above(window: Window) -> None:
    window.draw("open")
    window.draw("open again", printed=["printed", ""])
    assert window.rows == ["printed", "", "open again"]
    assert window.cursor == (2, 0)
    window.clear("the end")
    assert window.rows == ["printed", "", "the end"]
    assert window.cursor == (3, 0)


def test_more_than_the_window_holds_shows_its_last_rows(window: Window) -> None:
    window.draw("above")
    window.clear("above")
    window.draw(*map(str, range(30)))
    assert window.rows == ["above", *map(str, range(24, 30))]
    window.clear(*map(str, range(30)))
    assert window.rows == [*map(str, range(23, 30))]


def test_a_row_that_is_too_long_is_folded_and_one_as_wide_as_the_window_is_not(
    window: Window,
) -> None:
    window.draw("x" * COLUMNS, "y" * (COLUMNS + 1), "end")
    assert window.rows == ["x" * COLUMNS, "y" * COLUMNS, "y", "end"]
    assert window.cursor == (0, 0)
    window.draw("x" * COLUMNS, "end")
    assert window.rows == ["x" * COLUMNS, "end"]


def test_a_megabyte_in_one_line_costs_no_more_than_what_is_seen_of_it(window: Window) -> None:
    window.draw("长" * 300_000 + "末")
    assert window.rows[-1].replace(" ", "").endswith("末")
    assert len(window.written) < 1000


def test_the_cursor_is_hidden_until_the_area_is_cleared(window: Window) -> None:
    window.draw("open")
    assert window.is_cursor_hidden
    window.clear()
    assert not window.is_cursor_hidden
    assert window.rows == []


def test_a_resize_is_noticed_and_everything_is_drawn_anew(window: Window) -> None:
    window.draw("one", "two")
    assert not window.area.is_resized
    window.widen(30)
    assert window.area.is_resized
    window.draw("one", "two")
    assert "one" in window.written
    assert not window.area.is_resized
    assert window.rows == ["one", "two"]


@pytest.mark.parametrize("act", ["\x1b[2J", "\x1b]0;x\x07", "\r", "\x08", "\x9b2J", "\u202e"])
def test_nothing_in_a_row_acts_on_the_terminal(window: Window, act: str) -> None:
    window.draw(f"a{act}b")
    live = window.written
    window.clear(f"a{act}b")
    for written in (live, window.written):
        assert f"a{act}" not in written
        assert "b" in written


def test_a_style_ends_with_its_run(window: Window) -> None:
    area_line = [Segment("bold", Style(bold=True)), Segment(" plain")]
    window.area.draw([area_line])
    window.draw("x")
    assert "\x1b[1mbold\x1b[0m plain" in window.written

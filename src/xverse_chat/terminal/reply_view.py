"""One reply on a terminal that can redraw: finished blocks are printed, the open one is redrawn."""

import time
from collections.abc import Callable

from xverse_chat.terminal.live_area import LiveArea
from xverse_chat.terminal.markdown.blocks import Block, Code
from xverse_chat.terminal.markdown.committer import Committer
from xverse_chat.terminal.markdown.layout import Layout
from xverse_chat.terminal.markdown.styles import Line

FRAME_INTERVAL_S = 1 / 15
# What drawing takes is at most this share of the time, however large the open block.
COST_SHARE = 1 / 20
LONGEST_INTERVAL_S = 0.5


class ReplyView:
    """Shows the text of one reply as it comes. ``add`` is cheap: what has come is drawn in time."""

    def __init__(
        self, area: LiveArea, width: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._area = area
        self._width = width
        self._clock = clock
        self._committer = Committer()
        self._is_stale = False
        self._due_at = clock()
        self._last_cost_s = 0.0

    def add(self, text: str) -> None:
        """Take text that passed the sanitiser."""
        self._committer.add(text)
        self._is_stale = True
        self.refresh()

    def refresh(self) -> None:
        """Draw what was not drawn yet, if it is time for that, or anew after a resize."""
        if (self._is_stale and self._clock() >= self._due_at) or (
            not self._area.is_empty and self._area.is_resized
        ):
            self._draw()

    def end(self) -> None:
        """Print what has come and was not printed yet, in its final form."""
        self._area.clear(printed=self._lines(self._committer.end()))

    def _draw(self) -> None:
        began = self._clock()
        printed = self._lines(self._committer.finished())
        rows = self._area.most_rows
        rest = [
            block.last(rows) if isinstance(block, Code) else block
            for block in self._committer.rest()
        ]
        self._area.draw(self._lines(rest), printed=printed)
        self._is_stale = False
        cost_s = self._clock() - began
        # One that prints much, or loads a lexer, takes long once: the shorter of two counts.
        usual_s = min(cost_s, self._last_cost_s)
        self._last_cost_s = cost_s
        interval_s = min(LONGEST_INTERVAL_S, max(FRAME_INTERVAL_S, usual_s / COST_SHARE))
        self._due_at = self._clock() + interval_s

    def _lines(self, blocks: list[Block | Code]) -> list[Line]:
        layout = Layout(self._width())
        return [line for block in blocks for line in layout.lines(block)]

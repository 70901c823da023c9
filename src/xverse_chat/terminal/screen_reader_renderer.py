"""Writing the conversation for a screen reader: whole blocks, whose form is said in words."""

from collections.abc import Sequence
from typing import TextIO

from xverse_chat.chat.backend import Finish
from xverse_chat.terminal.live_area import inert
from xverse_chat.terminal.markdown.blocks import Block, Code
from xverse_chat.terminal.markdown.committer import Committer
from xverse_chat.terminal.markdown.spoken_layout import SpokenLayout
from xverse_chat.terminal.plain_renderer import PlainRenderer
from xverse_chat.terminal.sanitise import Sanitiser
from xverse_chat.terminal.texts import Texts


class ScreenReaderRenderer(PlainRenderer):
    """A reply is written block by block: what comes token by token is read out in fragments."""

    def __init__(self, file: TextIO, texts: Texts) -> None:
        super().__init__(file, texts)
        self._layout = SpokenLayout(texts)
        self._reply = Sanitiser()
        self._committer = Committer()

    def begin_reply(self) -> None:
        """Make ready for the pieces of a reply."""
        super().begin_reply()
        self._reply.reset()
        self._committer = Committer()

    def piece(self, text: str) -> None:
        """Write the blocks that have come to their end."""
        self._committer.add(self._reply.feed(text))
        self._say(self._committer.finished())

    def end_reply(self, note: str = "", finish: Finish | None = None) -> None:
        """Write the last block, then one line."""
        self._say(self._committer.end())
        self._committer = Committer()
        super().end_reply(note, finish)

    def _say(self, blocks: Sequence[Block | Code]) -> None:
        for block in blocks:
            for line in self._layout.lines(block):
                super().piece("".join(inert(run.text) for run in line) + "\n")

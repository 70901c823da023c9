"""What the up arrow and Ctrl-R bring back: of this run, and of earlier ones where they are kept."""

from collections.abc import Iterable

from prompt_toolkit.history import History

from xverse_chat.terminal.folds import Folds
from xverse_chat.terminal.history_file import HistoryFile


class InputHistory(History):
    """Messages as they have to stand in the line. Without a file, those of this run alone."""

    def __init__(self, file: HistoryFile | None, folds: Folds) -> None:
        super().__init__()
        self._file = file
        self._folds = folds

    def load_history_strings(self) -> Iterable[str]:
        """Return the messages of earlier runs, newest first."""
        newest_first = reversed(self._file.read() if self._file is not None else [])
        last = ""
        for text in newest_first:
            if text != last:
                yield self._folds.fold(text)
            last = text

    def append_string(self, string: str) -> None:
        """Remember a message, unless it is the one before again."""
        folded = self._folds.fold(string)
        if self._loaded_strings[:1] != [folded]:
            self._loaded_strings.insert(0, folded)
            self.store_string(string)

    def store_string(self, string: str) -> None:
        """Remember a message in the next runs."""
        if self._file is not None:
            self._file.add(string)

"""Letting the user choose one of a few numbered ways, in the middle of a conversation."""

from collections.abc import Sequence

from xverse_chat.terminal.interruptible import interruptible
from xverse_chat.terminal.renderer import Renderer
from xverse_chat.terminal.terminal_state import TerminalState
from xverse_chat.terminal.texts import Texts


def choose(
    heading: str,
    ways: Sequence[str],
    *,
    renderer: Renderer,
    terminal: TerminalState,
    texts: Texts,
) -> int | None:
    """Return which of ``ways`` was chosen, from 0; Enter takes the first.

    None when the user would rather not: Ctrl-C, Ctrl-D.
    """
    numbers = [str(number) for number in range(1, len(ways) + 1)]
    renderer.table(heading, zip(numbers, ways, strict=True))
    try:
        with interruptible(), terminal.echoing():
            while True:
                answer = _read(texts.choice_question)
                if (answer or numbers[0]) in numbers:
                    return int(answer or numbers[0]) - 1
                renderer.notice(texts.choice_again.format(last=numbers[-1]))
    except (EOFError, KeyboardInterrupt):
        renderer.blank()
        return None


def _read(question: str) -> str:
    try:
        return input(question).strip()
    except UnicodeDecodeError:
        return "?"

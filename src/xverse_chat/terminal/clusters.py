"""What people see as one character: a family emoji, a flag, a letter with its accents."""

import re

from prompt_toolkit.application import get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from wcwidth import iter_graphemes

from xverse_chat.terminal.folds import Folds

# Longer than any character that somebody types; combining marks can go on for ever.
_MOST_CODE_POINTS = 32
# Joiner, variation selectors, halves of flags, skin tones.
_AMBIGUOUS = re.compile("[\u200d\ufe0e\ufe0f\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]")
_FIRST_FLAG_LETTER = "\U0001f1e6"


def length_before(text: str, position: int) -> int:
    """Return how many code points the character before ``position`` has; 0 at the start."""
    near = text[max(0, position - _MOST_CODE_POINTS) : position]
    return len(_last(near)) if near else 0


def length_after(text: str, position: int) -> int:
    """Return how many code points the character after ``position`` has; 0 at the end."""
    near = text[position : position + _MOST_CODE_POINTS]
    return len(next(iter_graphemes(near))) if near else 0


def cluster_bindings(folds: Folds) -> KeyBindings:
    """Return keys that move over whole characters and marks, and delete them whole."""
    bindings = KeyBindings()

    @Condition
    def is_editing() -> bool:
        app = get_app()
        return not app.layout.is_searching and app.current_buffer.selection_state is None

    def before(buffer: Buffer) -> int:
        text = buffer.document.text_before_cursor
        return len(folds.mark_before(text)) or length_before(text, len(text))

    def after(buffer: Buffer) -> int:
        text = buffer.document.text_after_cursor
        return len(folds.mark_after(text)) or length_after(text, 0)

    @bindings.add("left", filter=is_editing)
    @bindings.add("c-b", filter=is_editing)
    def _left(event: KeyPressEvent) -> None:
        for _ in range(event.arg):
            event.current_buffer.cursor_position -= before(event.current_buffer)

    @bindings.add("right", filter=is_editing)
    @bindings.add("c-f", filter=is_editing)
    def _right(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        for _ in range(event.arg):
            buffer.cursor_position += after(buffer)

    @bindings.add("backspace", filter=is_editing)  # the same key as c-h
    def _backspace(event: KeyPressEvent) -> None:
        for _ in range(event.arg):
            event.current_buffer.delete_before_cursor(before(event.current_buffer))

    @bindings.add("delete", filter=is_editing)
    @bindings.add("c-d", filter=is_editing)
    def _delete(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        for _ in range(event.arg):
            buffer.delete(after(buffer))

    return bindings


class PlainEmoji(Processor):
    """Shows of an emoji of several code points what every terminal draws in the same columns.

    Terminals disagree whether 👩‍👩‍👧 takes two columns or six, and then the cursor stands in the
    wrong place. Without what joins and colours its parts, and with flags as letters, they agree.
    Only the screen is changed.
    """

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """Leave joiners, variation selectors and skin tones out."""
        fragments = transformation_input.fragments
        if not _AMBIGUOUS.search("".join(fragment[1] for fragment in fragments)):
            return Transformation(fragments)
        shown_at = [0]  # of each position in the text, that on the screen
        shown: StyleAndTextTuples = []
        for style, text, *_ in fragments:
            parts = [_AMBIGUOUS.sub(_plain, character) for character in text]
            for part in parts:
                shown_at.append(shown_at[-1] + len(part))
            shown.append((style, "".join(parts)))

        def to_screen(position: int) -> int:
            last = len(shown_at) - 1
            return shown_at[min(position, last)] + max(0, position - last)

        def to_text(position: int) -> int:
            return next((at for at, column in enumerate(shown_at) if column >= position), position)

        return Transformation(shown, source_to_display=to_screen, display_to_source=to_text)


def _plain(match: re.Match[str]) -> str:
    """Return a letter for half a flag, nothing for what only changes the character before it."""
    distance = ord(match.group()) - ord(_FIRST_FLAG_LETTER)
    return chr(ord("A") + distance) if 0 <= distance < 26 else ""


def _last(text: str) -> str:
    last = ""
    for cluster in iter_graphemes(text):
        last = cluster
    return last

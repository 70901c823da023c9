import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xverse_chat.terminal.sanitise import (
    MAX_CSI_CHARACTERS,
    MAX_STRING_CHARACTERS,
    Sanitiser,
    sanitise,
    sanitise_line,
)

# Text in which sequences, and halves of them, are common. Drawn as one string: ten thousand of
# them are a matter of seconds.
MOST_CHARACTERS = 24
HOSTILE = st.text(
    "a好🎉\n\t[]52;cPX^_0m\\ \x1b\x9b\x9d\x90\x9c\x07\x18\x00\x7f\r\u202e\u2067\ud800",
    max_size=MOST_CHARACTERS,
) | st.text(st.characters(), max_size=MOST_CHARACTERS)


def cut(text: str, places: int) -> list[str]:
    """Return ``text``, cut after each character whose bit is set in ``places``."""
    bounds = [0, *(end for end in range(len(text)) if places >> end & 1), len(text)]
    return [text[start:end] for start, end in pairwise(bounds)]


@settings(max_examples=10_000, deadline=None)
@given(HOSTILE, st.integers(0, 2**MOST_CHARACTERS - 1))
def test_nothing_comes_out_that_acts_on_a_terminal_however_it_is_cut(
    text: str, places: int
) -> None:
    sanitiser = Sanitiser()
    shown = sanitise(text)
    assert "".join(map(sanitiser.feed, cut(text, places))) == shown
    for character in shown:
        assert character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs")
        assert unicodedata.bidirectional(character) not in (
            *("LRE", "RLE", "LRO", "RLO", "PDF"),
            *("LRI", "RLI", "FSI", "PDI"),
        )


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf"]) | st.sampled_from("\n\t")))
def test_harmless_text_passes_unchanged(text: str) -> None:
    assert sanitise(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "ab"),
        ("a\x1b[1;31mred\x1b[0m", "ared"),
        ("a\x9b2Jb", "ab"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]0;title\x1b\\b", "ab"),
        ("a\x9d0;title\x9cb", "ab"),
        ("a\x1bP1$r\x1b\\b", "ab"),
        ("a\x1bcb", "ab"),
        ("a\x1b(0b", "ab"),
        ("a\rb\x08c\x00", "abc"),
        ("user\u202etxt.exe", "user\ufffdtxt.exe"),
        ("lone \udce5", "lone \ufffd"),
        ("👩‍👩‍👧", "👩‍👩‍👧"),
    ],
)
def test_a_sequence_vanishes_with_its_body(text: str, shown: str) -> None:
    assert sanitise(text) == shown


def test_a_clipboard_sequence_split_over_pieces_vanishes() -> None:
    sanitiser = Sanitiser()
    pieces = ["before \x1b", "]5", "2;c;ZXZ", "pbA==", "\x1b", "\\ after"]
    assert "".join(map(sanitiser.feed, pieces)) == "before  after"


def test_an_open_sequence_swallows_no_more_than_its_line() -> None:
    assert sanitise("a\x1b]52;c;open\nthe next line") == "a\nthe next line"


def test_an_open_sequence_swallows_no_more_than_its_bound() -> None:
    assert sanitise("\x1b]" + "x" * (MAX_STRING_CHARACTERS + 10)) == "x" * 10
    assert len(sanitise("\x1b[" + "0" * (MAX_CSI_CHARACTERS + 10))) <= 11


def test_reset_ends_an_open_sequence() -> None:
    sanitiser = Sanitiser()
    sanitiser.feed("\x1b]52;c;")
    sanitiser.reset()
    assert sanitiser.feed("next reply") == "next reply"


def test_a_label_is_one_line() -> None:
    assert sanitise_line("a\n\x1b[2Jb\t c\r") == "a b c"

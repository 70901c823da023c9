"""Characters of several code points: how long they are, and what of them is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.layout.controls import BufferControl
from prompt_toolkit.layout.processors import TransformationInput

from xverse_chat.terminal.clusters import PlainEmoji, length_after, length_before

FAMILY, FLAG, THUMB, HEART, ACCENT = "👩‍👩‍👧", "🇨🇳", "👍🏽", "❤️", "e\u0301"


@pytest.mark.parametrize("one", [FAMILY, FLAG, THUMB, HEART, ACCENT, "好", "a", "한", "👍"])
def test_what_looks_like_one_character_is_one(one: str) -> None:
    text = f"x{one}y"
    assert length_before(text, 1 + len(one)) == len(one)
    assert length_after(text, 1) == len(one)


def test_there_is_nothing_before_the_start_and_after_the_end() -> None:
    assert length_before("x", 0) == 0
    assert length_after("x", 1) == 0


def test_two_flags_are_two_characters() -> None:
    assert length_before(FLAG * 2, 4) == 2


def shown(text: str) -> tuple[str, list[int]]:
    """Return what is drawn of a line, and where the cursor stands for each place in it."""
    given = TransformationInput(
        BufferControl(Buffer()), Document(text), 0, lambda i: i, [("", text)], 80, 24
    )
    done = PlainEmoji().apply_transformation(given)
    places = [done.source_to_display(at) for at in range(len(text) + 2)]
    return "".join(fragment[1] for fragment in done.fragments), places


@pytest.mark.parametrize(
    ("text", "drawn", "places"),
    [
        ("好a", "好a", [0, 1, 2, 3]),
        (FAMILY, "👩👩👧", [0, 1, 1, 2, 2, 3, 4]),
        (FLAG, "CN", [0, 1, 2, 3]),
        (THUMB + "x", "👍x", [0, 1, 1, 2, 3]),
        (HEART + "x", "❤x", [0, 1, 1, 2, 3]),
        (ACCENT, ACCENT, [0, 1, 2, 3]),
    ],
)
def test_only_what_every_terminal_draws_alike_is_drawn(
    text: str, drawn: str, places: list[int]
) -> None:
    assert shown(text) == (drawn, places)


@given(st.text(alphabet="a好\u200d\ufe0f🇨🇳👍🏽👩", max_size=12))
def test_the_places_of_any_text_go_up_to_the_end_of_what_is_drawn(text: str) -> None:
    drawn, places = shown(text)
    assert places == sorted(places)
    assert places[len(text)] == len(drawn)

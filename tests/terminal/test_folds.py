import pytest
from hypothesis import given
from hypothesis import strategies as st

from xverse_chat.terminal.current_texts import CurrentTexts
from xverse_chat.terminal.folds import MOST_CHARACTERS, MOST_LINES, Folds
from xverse_chat.terminal.texts_chinese import CHINESE
from xverse_chat.terminal.texts_english import ENGLISH


def test_a_short_text_stays_as_it_is() -> None:
    folds = Folds(ENGLISH)
    for text in ("", "short", "\n" * (MOST_LINES - 1), "好" * MOST_CHARACTERS):
        assert folds.fold(text) == text


def test_a_long_text_becomes_one_short_line_that_says_what_it_is() -> None:
    lines = "\n".join(f"line {number}" for number in range(10_000))
    assert (
        Folds(ENGLISH).fold(lines) == "⟦pasted: line 0 line 1 line 2 li… · 10000 lines · 98.9 kB⟧"
    )
    assert Folds(CHINESE).fold("好" * 5000) == "⟦粘贴：好好好好好好好好好好好… · 15.0 kB⟧"


def test_two_long_texts_that_begin_alike_have_two_marks() -> None:
    folds = Folds(ENGLISH)
    one, two = "x" * 5000, "x" * 4999 + "y"
    marks = folds.fold(one), folds.fold(two)
    assert len(set(marks)) == 2
    assert folds.fold(one) == marks[0]
    assert folds.expand(f"a {marks[1]} b {marks[0]} c") == f"a {two} b {one} c"


def test_the_language_may_change_between_two_pastes() -> None:
    texts = CurrentTexts.of("en")
    folds = Folds(texts)
    one = folds.fold("x" * 5000)
    texts.switch("zh")
    two = folds.fold("y" * 5000)
    assert folds.expand(one + two) == "x" * 5000 + "y" * 5000


def test_a_text_that_holds_the_mark_of_another_is_not_expanded_again() -> None:
    folds = Folds(ENGLISH)
    mark = folds.fold("x" * 5000)
    holding = mark + "\n" * 50
    assert folds.expand(folds.fold(holding)) == holding


def test_marks_at_the_cursor_are_found() -> None:
    folds = Folds(ENGLISH)
    mark = folds.fold("x" * 5000)
    assert folds.mark_before(f"a{mark}") == mark
    assert folds.mark_before(f"{mark}a") == ""
    assert folds.mark_after(f"{mark}a") == mark
    assert folds.mark_after(f"a{mark}") == ""


def test_a_hostile_text_puts_no_sequence_into_its_mark() -> None:
    assert "\x1b" not in Folds(ENGLISH).fold("\x1b]52;c;eHg=\x07" * 1000)


@given(st.lists(st.sampled_from(["short", "x" * 5000, "y\n" * 100, "⟦", "⟧"]), max_size=6))
def test_whatever_is_folded_expands_to_what_it_was(parts: list[str]) -> None:
    folds = Folds(ENGLISH)
    assert folds.expand("|".join(map(folds.fold, parts))) == "|".join(parts)


@pytest.mark.parametrize("line", ["", "no mark", "⟦pasted: not one⟧"])
def test_a_line_without_marks_stays_as_it_is(line: str) -> None:
    folds = Folds(ENGLISH)
    folds.fold("x" * 5000)
    assert folds.expand(line) == line

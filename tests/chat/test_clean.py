from hypothesis import given
from hypothesis import strategies as st

from xverse_chat.chat.clean import clean_text

any_text = st.text(st.characters(exclude_categories=()))


def test_escaped_bytes_are_put_together_again() -> None:
    assert clean_text("你好🎉".encode().decode("ascii", "surrogateescape")) == "你好🎉"


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    assert clean_text(b"a\xffb".decode("utf-8", "surrogateescape")) == "a\ufffdb"


def test_other_lone_surrogates_become_replacement_characters() -> None:
    assert clean_text("a\ud800b") == "a\ufffdb"


@given(any_text)
def test_any_text_becomes_encodable_and_stays_so(text: str) -> None:
    cleaned = clean_text(text)
    cleaned.encode("utf-8")
    assert clean_text(cleaned) == cleaned


@given(st.text())
def test_valid_text_is_left_alone(text: str) -> None:
    assert clean_text(text) == text

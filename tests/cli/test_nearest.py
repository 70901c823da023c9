import pytest

from xverse_chat.cli.nearest import nearest_word

WORDS = ["--temperature", "--top-p", "--top-k", "--system", "-p"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--temprature", "--temperature"),
        ("--temp", "--temperature"),  # nearer in letters to --system
        ("-system", "--system"),
        ("--to", None),  # two begin so, and neither is near
        ("--nonsense", None),
        ("--", None),
    ],
)
def test_the_word_that_begins_so_or_is_near_is_meant(typed: str, meant: str | None) -> None:
    assert nearest_word(typed, WORDS) == meant

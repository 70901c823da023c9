"""What people tell: names, things they like, numbers; from lists and made up at random.

Made-up values carry the weight: only a model that copies letter by letter can recall them.
"""

from collections.abc import Sequence
from random import Random

from training.held_out import is_held_out
from training.wording import LANGUAGES, WORDING

_SURNAMES: str = WORDING["zh"]["values"]["surnames"]
_GIVEN: str = WORDING["zh"]["values"]["given"]
_ENGLISH_NAMES: list[str] = WORDING["en"]["values"]["names"].split()
_ONSETS = (*"bcdfghjklmnprstvwz", "br", "ch", "cl", "dr", "fr", "gr", "kr", "pl", "sh", "st")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "ee", "ia", "io", "ou")
_CODAS = ("", "", "", "l", "n", "r", "s", "k", "m", "t", "x", "nd", "rt", "ck")
_POOLS: dict[str, dict[str, list[str]]] = {
    language: {
        pool: text.split("; ") for pool, text in WORDING[language]["values"].items() if ";" in text
    }
    for language in LANGUAGES
}

_REAL_WORDS = sorted(
    {
        part
        for pool in _POOLS["en"].values()
        for value in pool
        for part in value.lower().split()
        if not is_held_out(part) and not is_held_out(value)
    }
)


def draw(rng: Random, pool: str, language: str, *, held_out: bool) -> str:
    """Return a value of the pool from one side of the split."""
    while True:
        if pool == "number":
            value = str(rng.randint(0, 9) if rng.random() < 0.2 else rng.randint(0, 999))
        elif pool == "age":
            value = str(rng.randint(5, 99))
        elif pool == "name":
            value = _name(rng, language)
        else:
            value = _thing(rng, pool, language)
        if is_held_out(value) == held_out:
            return value


def listed(pool: str, language: str, *, held_out: bool) -> list[str]:
    """Return the values of the pool that are not made up, from one side of the split."""
    return [value for value in _POOLS[language][pool] if is_held_out(value) == held_out]


def word(rng: Random, language: str) -> str:
    """Return a made-up word of one to four characters or one to three syllables.

    One English word in five is a real one: those have tokens of their own, to be copied too.
    """
    if language == "zh":
        source = _RARE if rng.random() < 0.03 else _HANZI
        return "".join(rng.choices(source, k=rng.choice((1, 2, 2, 2, 3, 3, 4))))
    if rng.random() < 0.2:
        return rng.choice(_REAL_WORDS)
    syllables = rng.choice((1, 2, 2, 2, 3))
    text = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(syllables))
    return text + rng.choice(_CODAS)


def common_hanzi() -> list[str]:
    """Return the 3755 characters of GB 2312 level 1 and those of the names here."""
    return sorted({*_gb2312(0xB0, 0xD7), *_SURNAMES, *_GIVEN})


def rare_hanzi() -> list[str]:
    """Return the other characters of GB 2312, which the tokenizer spells in bytes."""
    return sorted({*_gb2312(0xD8, 0xF7)} - {*_SURNAMES, *_GIVEN})


def _gb2312(first_row: int, last_row: int) -> str:
    cells = bytes(
        byte
        for row in range(first_row, last_row + 1)
        for cell in range(0xA1, 0xFF)
        for byte in (row, cell)
    )
    return cells.decode("gb2312", errors="ignore")


_HANZI = common_hanzi()
_RARE = rare_hanzi()


def _thing(rng: Random, pool: str, language: str) -> str:
    if rng.random() < 0.5:
        return rng.choice(_POOLS[language][pool])
    made_up = word(rng, language)
    return made_up.capitalize() if pool in ("city", "pet") else made_up


def _name(rng: Random, language: str) -> str:
    kind = rng.random()
    if language == "en" or kind > 0.95:
        return _english_name(rng)
    if kind < 0.55:
        return rng.choice(_SURNAMES) + _given(rng, _GIVEN, rng.randint(1, 2))
    if kind < 0.7:
        return rng.choice("小阿老大") + rng.choice(_GIVEN)
    if kind < 0.92:
        return _given(rng, _HANZI, rng.randint(1, 3))
    return rng.choice(_SURNAMES) + rng.choice(_RARE)


def _given(rng: Random, source: Sequence[str], length: int) -> str:
    return "".join(rng.choices(source, k=length))


def _english_name(rng: Random) -> str:
    kind = rng.random()
    name = rng.choice(_ENGLISH_NAMES) if kind < 0.35 else word(rng, "en").capitalize()
    if kind > 0.9:
        name += " " + word(rng, "en").capitalize()
    return name.lower() if rng.random() < 0.12 else name

"""The word that was probably meant. Standard library only."""

import difflib
from collections.abc import Sequence


def nearest_word(word: str, words: Sequence[str]) -> str | None:
    """Return the one of ``words`` that begins so, else is near to it, dashes before them apart."""
    plain = {name.lstrip("-"): name for name in words}
    typed = word.lstrip("-")
    begin = [name for name in plain if name.startswith(typed)]
    if typed and len(begin) == 1:
        return plain[begin[0]]
    found = difflib.get_close_matches(typed, plain, n=1)
    return plain[found[0]] if found else None

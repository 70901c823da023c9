"""The word that was probably meant. Standard library only."""

import difflib
from collections.abc import Sequence


def nearest_word(word: str, words: Sequence[str]) -> str | None:
    """Return the one of ``words`` that is near to ``word``, dashes before them apart."""
    plain = {name.lstrip("-"): name for name in words}
    found = difflib.get_close_matches(word.lstrip("-"), plain, n=1)
    return plain[found[0]] if found else None

"""Naming files in a sentence. Standard library only."""

from collections.abc import Sequence

from xverse_chat.wording import say

_MOST_NAMES = 3


def first_names(names: Sequence[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    shown = ", ".join(names[:_MOST_NAMES])
    if len(names) <= _MOST_NAMES:
        return shown
    return say("{names} and {count} more", names=shown, count=len(names) - _MOST_NAMES)

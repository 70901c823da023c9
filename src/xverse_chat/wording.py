"""Sentences that can be told in another language, from layers that know of none.

Below ``terminal`` everything speaks English, readable where it is said: ``say("{path} is missing.",
path=path)``. What comes out is that text, and remembers what it was made of, so that whoever shows
it can tell it in the user's language (``terminal/translation.py``). Standard library only.
"""

import os
from collections.abc import Mapping


class Sentence(str):
    """English text that remembers its ``template`` and the ``values`` that fill it.

    A value may be a Sentence itself; it is translated with the whole.
    """

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, values: Mapping[str, object]) -> "Sentence":
        """Fill ``values`` into ``template``; where there are none, braces stand for themselves."""
        sentence = super().__new__(cls, template.format_map(values) if values else template)
        sentence.template = template
        sentence.values = values
        return sentence


def say(template: str, /, **values: object) -> Sentence:
    """Return a sentence. ``template`` is a literal: tests look for its translation in the source.

    A value with another shape in another language (a list, a part that may be missing) is better
    a sentence of its own.
    """
    return Sentence(template, values)


NOTHING = Sentence("", {})


def foreign(text: str) -> Sentence:
    """Return what another program or library says; the common ones of these are translated."""
    return Sentence(text, {})


def system_reason(error: OSError) -> Sentence:
    """Return why the operating system refused, in its words."""
    return foreign(os.strerror(error.errno) if error.errno else str(error) or type(error).__name__)

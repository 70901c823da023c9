"""Telling a sentence of another layer in the user's language. Standard library only."""

from collections.abc import Mapping
from functools import cache
from typing import Literal

from xverse_chat.wording import Sentence

Language = Literal["en", "zh"]


def translate(text: str, language: Language) -> str:
    """Return ``text`` in ``language``, or as it is where nobody translated it."""
    if language == "en":
        return str(text)
    template, values = (text.template, text.values) if isinstance(text, Sentence) else (text, {})
    translated = chinese_sentences().get(template, template)
    if not values:
        return translated
    return translated.format_map(
        {
            name: translate(value, language) if isinstance(value, Sentence) else value
            for name, value in values.items()
        }
    )


@cache
def chinese_sentences() -> Mapping[str, str]:
    """Return every sentence there is in Chinese, by its English template."""
    from xverse_chat.terminal.chinese import chat, checkpoint, cli, engine, foreign, hub, terminal

    sentences: dict[str, str] = {}
    for part in (chat, checkpoint, cli, engine, foreign, hub, terminal):
        sentences |= part.SENTENCES
    return sentences

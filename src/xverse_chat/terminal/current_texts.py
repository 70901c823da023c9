"""Texts whose language can be changed while everybody holds them. Standard library only."""

from dataclasses import fields
from typing import Self

from xverse_chat.terminal.languages import TEXTS
from xverse_chat.terminal.texts import Texts
from xverse_chat.terminal.translation import Language


class CurrentTexts(Texts):
    """The texts of one program. Renderer, line editor and commands hold the same object."""

    @classmethod
    def of(cls, language: Language) -> Self:
        """Return texts that begin in ``language``."""
        return cls(**{field.name: getattr(TEXTS[language], field.name) for field in fields(Texts)})

    def switch(self, language: Language) -> None:
        """Speak ``language`` from now on, wherever these texts are held."""
        for field in fields(Texts):
            # Past the dataclass, whose other objects stay as they are.
            object.__setattr__(self, field.name, getattr(TEXTS[language], field.name))

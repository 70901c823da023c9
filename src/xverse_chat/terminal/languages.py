"""The languages of the interface, and which one is spoken."""

from collections.abc import Mapping

from xverse_chat.terminal.texts import Texts
from xverse_chat.terminal.texts_chinese import CHINESE
from xverse_chat.terminal.texts_english import ENGLISH
from xverse_chat.terminal.translation import Language

TEXTS: Mapping[Language, Texts] = {"en": ENGLISH, "zh": CHINESE}


def choose_language(option: str | None, environment: Mapping[str, str]) -> Language:
    """Return the language asked for, else that of the locale, else English.

    The variables count in the order of gettext: LANGUAGE only where a locale is set at all.
    """
    if option in ("en", "zh"):
        return "zh" if option == "zh" else "en"
    names = [environment.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    locale = next((name for name in names if name), "C")
    if locale.partition(".")[0] not in ("C", "POSIX"):
        locale = environment.get("LANGUAGE") or locale
    return "zh" if locale.lower().startswith("zh") else "en"

import dataclasses
import string
from collections.abc import Mapping

import pytest

from xverse_chat.progress import Stage
from xverse_chat.terminal.languages import TEXTS, choose_language
from xverse_chat.terminal.texts import Texts
from xverse_chat.terminal.texts_chinese import CHINESE
from xverse_chat.terminal.texts_english import ENGLISH

NAMES = [field.name for field in dataclasses.fields(Texts) if field.name != "language"]


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_say_the_same_figures(name: str) -> None:
    english, chinese = getattr(ENGLISH, name), getattr(CHINESE, name)
    assert english
    assert chinese
    assert blanks(english) == blanks(chinese)


def test_no_english_sentence_slipped_into_the_chinese() -> None:
    kept = {"key_backslash_name"}
    same = {name for name in NAMES if getattr(ENGLISH, name) == getattr(CHINESE, name)}
    assert same <= kept


@pytest.mark.parametrize("texts", TEXTS.values(), ids=TEXTS.keys())
def test_every_stage_can_be_told(texts: Texts) -> None:
    told = {texts.stage(stage) for stage in (None, *Stage)} | {texts.done(s) for s in Stage}
    assert len(told) == 2 * len(Stage) + 1


@pytest.mark.parametrize(
    ("option", "environment", "language"),
    [
        (None, {}, "en"),
        (None, {"LANG": "zh_CN.UTF-8"}, "zh"),
        (None, {"LANG": "en_US.UTF-8", "LC_ALL": "zh_TW.UTF-8"}, "zh"),
        (None, {"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        (None, {"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}, "zh"),
        (None, {"LANG": "C.UTF-8", "LANGUAGE": "zh"}, "en"),
        ("en", {"LANG": "zh_CN.UTF-8"}, "en"),
        ("zh", {"LANG": "C"}, "zh"),
    ],
)
def test_the_language_is_the_option_else_the_locale(
    option: str | None, environment: Mapping[str, str], language: str
) -> None:
    assert choose_language(option, environment) == language

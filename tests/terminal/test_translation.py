"""Every sentence of the program exists in Chinese, says the same figures, and is Chinese."""

import ast
import re
import string
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from xverse_chat.errors import XverseChatError
from xverse_chat.terminal.chinese import foreign
from xverse_chat.terminal.current_texts import CurrentTexts
from xverse_chat.terminal.texts_chinese import CHINESE
from xverse_chat.terminal.texts_english import ENGLISH
from xverse_chat.terminal.translation import chinese_sentences, translate
from xverse_chat.wording import NOTHING, say, system_reason

SOURCE = Path(__file__).parents[2] / "src" / "xverse_chat"
IDEOGRAPH = "\u4e00-\u9fff"
FULL_WIDTH = "\u3000-\u303f\uff00-\uffef"


@cache
def calls() -> list[tuple[str, ast.Call]]:
    """Return every call in the source with the place where it stands."""
    return [
        (f"{path.relative_to(SOURCE)}:{node.lineno}", node)
        for path in sorted(SOURCE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]


def name_of(call: ast.Call) -> str:
    function = call.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


@cache
def said() -> dict[str, tuple[str, ast.Call]]:
    """Return every sentence with the place of a call of ``say`` that says it."""
    found = {}
    for place, call in calls():
        if name_of(call) == "say" and isinstance(call.args[0], ast.Constant):
            found[str(call.args[0].value)] = (place, call)
    return found


def blanks(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def error_names() -> set[str]:
    classes: list[type] = [XverseChatError]
    for path in SOURCE.rglob("*.py"):  # some layers have errors of their own
        if re.search(r"^class \w+Error\(", path.read_text(encoding="utf-8"), re.MULTILINE):
            import_module(
                ".".join(("xverse_chat", *path.relative_to(SOURCE).with_suffix("").parts))
            )
    for kind in classes:
        classes += kind.__subclasses__()
    return {kind.__name__ for kind in classes}


def test_every_sentence_has_a_chinese_one() -> None:
    missing = {
        place: text for text, (place, _) in said().items() if text not in chinese_sentences()
    }
    assert missing == {}


def test_no_chinese_sentence_is_left_over() -> None:
    assert chinese_sentences().keys() - said().keys() - foreign.SENTENCES.keys() == set()


def test_no_sentence_stands_in_two_files() -> None:
    parts = [
        import_module(f"xverse_chat.terminal.chinese.{path.stem}").SENTENCES
        for path in (SOURCE / "terminal" / "chinese").glob("*.py")
        if path.stem != "__init__"
    ]
    assert sum(map(len, parts)) == len(chinese_sentences())


def test_a_sentence_is_a_literal_whose_blanks_are_filled() -> None:
    wrong = []
    for place, call in calls():
        if name_of(call) != "say":
            continue
        template, values = call.args[0], {keyword.arg for keyword in call.keywords}
        if not isinstance(template, ast.Constant) or not isinstance(template.value, str):
            wrong.append(f"{place}: no literal")
        elif values and blanks(template.value) != values:
            wrong.append(f"{place}: {blanks(template.value)} and {values}")
        wrong += [f"{place}: {words} cannot be translated" for words in words_in_values(call)]
    assert wrong == []


def words_in_values(call: ast.Call) -> list[str]:
    """Return the letters of f-strings among the values of a sentence: they would stay English."""
    return [
        str(part.value)
        for keyword in call.keywords
        if isinstance(keyword.value, ast.JoinedStr)
        for part in keyword.value.values
        if isinstance(part, ast.Constant) and re.search("[A-Za-z]", str(part.value))
    ]


def test_errors_hints_and_notes_are_sentences() -> None:
    """mypy sees to this as well; here a plain text or an f-string is named with its place."""
    errors, wrong = error_names(), []
    for place, call in calls():
        if name_of(call) in errors:
            told = [*call.args[:1], *(k.value for k in call.keywords if k.arg == "hint")]
        elif name_of(call) in ("note", "write_note"):
            told = call.args[:1]
        else:
            continue
        wrong += [
            place for text in told if isinstance(text, ast.JoinedStr | ast.Constant | ast.BinOp)
        ]
    assert wrong == []


@pytest.mark.parametrize("english", sorted(chinese_sentences()))
def test_both_languages_say_the_same_figures_and_one_is_chinese(english: str) -> None:
    chinese = chinese_sentences()[english]
    if english in said() and said()[english][1].keywords:
        assert blanks(chinese) == blanks(english)
    assert re.search(f"[{IDEOGRAPH}{FULL_WIDTH}]", chinese)
    # Punctuation beside Chinese characters is Chinese; both end with a full stop or neither.
    assert not re.search(rf"[{IDEOGRAPH}]([,;:!?]|\.(?![a-z]))|[,;!?][{IDEOGRAPH}]", chinese)
    if english not in foreign.SENTENCES:
        assert english.endswith(".") == chinese.endswith("。")


def test_a_sentence_within_a_sentence_is_translated_with_it() -> None:
    where = say("Message {number} of {source}", number=2, source="talk.json")
    sentence = say(
        "{where} has the role {role!r}; known are {known}.", where=where, role="x", known="y"
    )
    assert sentence == "Message 2 of talk.json has the role 'x'; known are y."
    assert translate(sentence, "zh") == "talk.json 的第 2 条消息的角色是 'x'，只能是 y。"
    assert translate(sentence, "en") == sentence


def test_braces_in_values_and_in_plain_sentences_stand_for_themselves() -> None:
    path = say("{path} is missing.", path="{odd}.bin")
    assert (path, translate(path, "zh")) == ("{odd}.bin is missing.", "缺少 {odd}.bin。")
    plain = say('It must look like [{"role": "user", "content": "你好"}].')
    assert translate(plain, "zh") == '它应当形如 [{"role": "user", "content": "你好"}]。'


def test_what_nobody_translated_is_shown_as_it_is() -> None:
    assert translate("a text of a server", "zh") == "a text of a server"
    assert translate(NOTHING, "zh") == ""


def test_the_reasons_of_the_operating_system_are_told_in_chinese() -> None:
    assert translate(system_reason(PermissionError(13, "Permission denied")), "zh") == "没有权限"
    assert system_reason(OSError("odd")) == "odd"


def test_texts_that_are_switched_are_switched_for_everyone_who_holds_them() -> None:
    texts = CurrentTexts.of("en")
    held = texts
    texts.switch("zh")
    assert (held.language, held.new_conversation) == ("zh", CHINESE.new_conversation)
    assert (ENGLISH.language, CHINESE.language) == ("en", "zh")

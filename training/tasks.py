"""Small tasks: counting, sums, comparing, translating, repeating, lists, code."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from training.held_out import is_held_out
from training.patterns import choose, fill, say, typed
from training.values import word
from training.wording import WORDING


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer. A right answer contains ``expected``."""

    topic: str
    user: str
    reply: str
    expected: str


@dataclass(frozen=True, slots=True)
class Setting:
    """Who speaks what, and from which side of the split numbers and words come."""

    language: str
    reply_language: str
    held_out: bool


def count(rng: Random, setting: Setting) -> Exchange:
    """Count from one number to another."""
    asked, said = _words(setting)
    while True:
        first = 1 if rng.random() < 0.3 else rng.randint(0, 90)
        last = first + rng.randint(2, 14)
        if is_held_out(f"count {first} {last}") == setting.held_out:
            break
    patterns = asked["count"]
    if first == 1:
        patterns = [*patterns, *asked["count_from_one"]]
    reply = said["separator"].join(str(number) for number in range(first, last + 1))
    user = _typed(rng, setting, patterns, a=str(first), b=str(last))
    return Exchange("count", user, reply + _full_stop(setting), reply)


def add(rng: Random, setting: Setting) -> Exchange:
    """Add two numbers."""
    first, second = _pair(rng, setting, "plus")
    equation = f"{first} + {second} = {first + second}"
    user = _typed(rng, setting, _words(setting)[0]["plus"], a=str(first), b=str(second))
    return Exchange("add", user, equation, equation)


def subtract(rng: Random, setting: Setting) -> Exchange:
    """Subtract a number from one that is not smaller."""
    first, second = _pair(rng, setting, "minus")
    equation = f"{first} - {second} = {first - second}"
    user = _typed(rng, setting, _words(setting)[0]["minus"], a=str(first), b=str(second))
    return Exchange("subtract", user, equation, equation)


def compare(rng: Random, setting: Setting) -> Exchange:
    """Name the larger of two numbers."""
    asked, said = _words(setting)
    first, second = _pair(rng, setting, "compare")
    if rng.random() < 0.5:
        first, second = second, first
    largest = str(max(first, second))
    reply = said["compare_equal"] if first == second else fill(said["compare_reply"], v=largest)
    user = _typed(rng, setting, asked["compare"], a=str(first), b=str(second))
    return Exchange("compare", user, reply, reply)


def translate(rng: Random, setting: Setting) -> Exchange:
    """Translate a word of the dictionary, either way."""
    asked, said = _words(setting)
    chinese, english = rng.choice(DICTIONARY)
    target = rng.choice(("zh", "en"))
    source, translated = (english, chinese) if target == "zh" else (chinese, english)
    spoken = choose(rng, [asked["language_said"][target]])
    user = _typed(rng, setting, asked["translate"], l=spoken, w=source)
    reply = fill(said["translate_reply"], w=source, l=said["languages"][target], v=translated)
    return Exchange("translate", user, reply, translated)


def repeat(rng: Random, setting: Setting) -> Exchange:
    """Say a made-up phrase again."""
    phrase = _phrase(rng, setting)
    user = _typed(rng, setting, _words(setting)[0]["repeat"], w=phrase)
    return Exchange("repeat", user, phrase, phrase)


def make_list(rng: Random, setting: Setting) -> Exchange:
    """Write a Markdown list of two to five things of a kind, three where no number is asked."""
    asked, said = _words(setting)
    category = rng.choice(sorted(asked["categories"]))
    size = rng.randint(2, 5)
    patterns = asked["list"]
    if rng.random() < 0.25:
        size, patterns = 3, asked["list_some"]
    asked_name = asked["categories"][category].split(": ")[0]
    said_name, things = said["categories"][category].split(": ")
    number = str(size) if rng.random() < 0.4 else asked["numbers"][str(size)]
    user = _typed(rng, setting, patterns, k=number, c=asked_name)
    head = fill(said["list_reply"], k=said["numbers"][str(size)], c=said_name)
    return Exchange("list", user, f"{head}\n\n{_items(rng, things, size)}", "\n- ")


def make_shopping_list(rng: Random, setting: Setting) -> Exchange:
    """Write a shopping list of four things."""
    asked, said = _words(setting)
    user = _typed(rng, setting, asked["shopping"])
    items = _items(rng, said["shopping_items"], 4)
    return Exchange("shopping", user, f"{said['shopping_reply']}\n\n{items}", "\n- ")


def write_code(rng: Random, setting: Setting, name: str | None) -> Exchange:
    """Write a short Python block; one prints the user's ``name``, where that is known."""
    asked, said = _words(setting)
    kind = rng.choice([key for key in asked["code"] if key != "name" or name])
    number = str(rng.randint(3, 20))
    code = fill(_CODE[kind], n=number, v=name or "")
    user = _typed(rng, setting, asked["code"][kind], n=number)
    block = f"```python\n{code}\n```"
    return Exchange("code", user, f"{said['code_reply']}\n\n{block}", block)


_CODE = {
    "hello": 'print("Hello, world!")',
    "loop": "for number in range(1, {n} + 1):\n    print(number)",
    "add": "def add(a, b):\n    return a + b",
    "name": 'print("{v}")',
    "even": "def is_even(number):\n    return number % 2 == 0",
}
TASKS: tuple[Callable[[Random, Setting], Exchange], ...] = (
    count,
    add,
    add,
    subtract,
    subtract,
    compare,
    translate,
    translate,
    repeat,
    make_list,
    make_list,
    make_shopping_list,
)


def _read_dictionary() -> tuple[tuple[str, str], ...]:
    text = (Path(__file__).parent / "wording" / "dictionary.txt").read_text(encoding="utf-8")
    pairs = (line.split(" ", 1) for line in text.splitlines())
    return tuple((chinese, english) for chinese, english in pairs)


DICTIONARY = _read_dictionary()


def _words(setting: Setting) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return WORDING[setting.language]["tasks"], WORDING[setting.reply_language]["tasks"]


def _typed(rng: Random, setting: Setting, patterns: Sequence[str], **values: str) -> str:
    return fill(typed(rng, choose(rng, patterns), setting.language), **values)


def _items(rng: Random, things: str, count: int) -> str:
    """Return a Markdown list of neighbours in a list of words."""
    known = things.split()
    start = rng.randrange(len(known))
    return "\n".join(f"- {known[(start + step) % len(known)]}" for step in range(count))


def _full_stop(setting: Setting) -> str:
    return "。" if setting.reply_language == "zh" else "."


def _pair(rng: Random, setting: Setting, operation: str) -> tuple[int, int]:
    """Return two numbers, the larger first unless they are added.

    Those up to ten are not kept for measuring: everybody tries them.
    """
    while True:
        largest = 20 if rng.random() < 0.5 else 99
        first, second = rng.randint(0, largest), rng.randint(0, largest)
        high, low = max(first, second), min(first, second)
        if (high > 10 and is_held_out(f"{operation} {high} {low}")) == setting.held_out:
            return (first, second) if operation == "plus" else (high, low)


def _phrase(rng: Random, setting: Setting) -> str:
    separator = "" if setting.language == "zh" else " "
    while True:
        phrase = separator.join(word(rng, setting.language) for _ in range(rng.randint(1, 3)))
        if is_held_out(phrase) == setting.held_out:
            return phrase


def talk(rng: Random, setting: Setting, topic: str, **names: str | None) -> Exchange:
    """Answer small talk; ``user`` and ``own`` are the two names, where known."""
    entry = WORDING[setting.language]["talk"][topic]
    answers = WORDING[setting.reply_language]["talk"][topic]
    pattern = typed(rng, choose(rng, entry["users"]), setting.language)
    user = fill(pattern, w=word(rng, setting.language))
    if "named" in answers and (name := names["user"]):
        reply = say(rng, answers["named"], v=name)
    elif "system_named" in answers and (name := names["own"]):
        reply = say(rng, answers["system_named"], v=name)
    else:
        reply = say(rng, answers["replies"])
    return Exchange(topic, user, reply, reply)

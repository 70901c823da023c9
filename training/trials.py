"""Conversations that measure the model, all from the side of the split it never saw."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from training import tasks
from training.dialogues import Writer
from training.facts import FACTS, PREFERENCES
from training.held_out import is_order_held_out
from training.tasks import Exchange, Setting
from training.wording import LANGUAGES

DISTANCES = (2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Trial:
    """A conversation whose last answer must contain ``expected`` and none of ``forbidden``."""

    group: str
    users: tuple[str, ...]
    expected: str
    forbidden: tuple[str, ...] = ()

    def passes(self, reply: str) -> bool:
        """Tell whether ``reply`` is right."""
        return _says(reply, self.expected) and not any(
            _says(reply, value) for value in self.forbidden
        )


def recall_trials(count: int, seed: int = 0) -> list[Trial]:
    """Return ``count`` trials per language and distance, in turns, between telling and asking."""
    return [
        _recall(Random(f"recall {seed} {language} {distance} {index}"), language, distance)
        for language in LANGUAGES
        for distance in DISTANCES
        for index in range(count)
    ]


def task_trials(count: int, seed: int = 0) -> list[Trial]:
    """Return ``count`` trials per language of each small task, as the first question."""
    kinds: tuple[Callable[[Random, Setting], Exchange], ...] = (
        tasks.count,
        tasks.add,
        tasks.subtract,
        tasks.compare,
        tasks.translate,
        tasks.repeat,
        tasks.make_list,
    )
    trials = []
    for language in LANGUAGES:
        for kind in kinds:
            rng = Random(f"task {seed} {language} {kind.__name__}")
            for _ in range(count):
                exchange = kind(rng, Setting(language, language, held_out=True))
                group = f"{exchange.topic} {language}"
                trials.append(Trial(group, (exchange.user,), exchange.expected))
    return trials


def special_trials(count: int, seed: int = 0) -> list[Trial]:
    """Return ``count`` trials per language of corrected names and of names never told."""
    trials = []
    for language in LANGUAGES:
        rng = Random(f"special {seed} {language}")
        for _ in range(count):
            writer = Writer(rng, language, held_out=True, plain=True)
            first = [writer.tell("name"), writer.digress()]
            old = writer.told["name"]
            exchanges = [*first, writer.correct("name"), writer.digress(), writer.ask("name")]
            new = writer.told["name"]
            forbidden = () if old in new else (old,)
            users = tuple(exchange.user for exchange in exchanges)
            trials.append(Trial(f"corrected {language}", users, new, forbidden))
            writer = Writer(rng, language, held_out=True, plain=True)
            exchanges = [writer.digress(), writer.ask("name")]
            users = tuple(exchange.user for exchange in exchanges)
            trials.append(Trial(f"untold {language}", users, exchanges[-1].expected))
    return trials


def _says(reply: str, value: str) -> bool:
    """Tell whether ``reply`` holds ``value``, not as part of a longer word or number."""
    before = r"(?<![0-9A-Za-z])" if re.match(r"[0-9A-Za-z]", value) else ""
    after = r"(?![0-9A-Za-z])" if re.search(r"[0-9A-Za-z]$", value) else ""
    return re.search(before + re.escape(value) + after, reply) is not None


def _recall(rng: Random, language: str, distance: int) -> Trial:
    while True:
        writer = Writer(rng, language, held_out=True, plain=True)
        key = "name" if rng.random() < 0.5 else rng.choice(list(FACTS[language]))
        exchanges = [writer.digress() for _ in range(rng.randint(0, 2))]
        exchanges.append(writer.tell(key))
        exchanges += [_between(rng, writer, key) for _ in range(distance - 1)]
        exchanges.append(writer.ask(key))
        topics = [exchange.topic for exchange in exchanges]
        expected = writer.told[key]
        others = tuple(
            value
            for other, value in writer.told.items()
            if other != key and len(value) > 1 and value not in expected
        )
        if len(topics) < 4 or is_order_held_out(topics):
            users = tuple(exchange.user for exchange in exchanges)
            return Trial(f"recall {language} {distance}", users, expected, others)


def _between(rng: Random, writer: Writer, key: str) -> Exchange:
    """Say something else: in one of three turns another fact, told or asked for."""
    if rng.random() < 0.67:
        return writer.digress()
    kept_apart = {key, "like", *(PREFERENCES if key == "like" else ())}
    other = rng.choice([known for known in FACTS["zh"] if known not in kept_apart])
    return writer.ask(other) if other in writer.told else writer.tell(other)

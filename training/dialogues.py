"""Dialogues that the demo model learns from, each decided by a random generator's state alone.

Facts are told, corrected and asked for later, between small talk and small tasks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from training.facts import FACTS, Wording
from training.held_out import is_order_held_out
from training.patterns import choose, fill, say, typed
from training.tasks import TASKS, Exchange, Setting, talk, write_code
from training.told import KEYS, LIKED, Told
from training.values import draw, listed
from training.wording import LANGUAGES, WORDING

Message = dict[str, str]

_TOPICS = tuple(WORDING["zh"]["talk"])
# Names are what people try first, so they are told more often than the rest.
_KEY_WEIGHTS = tuple(6 if key == "name" else 1 for key in KEYS)
_LENGTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12)
_LENGTH_WEIGHTS = (2, 3, 5, 7, 8, 8, 8, 6, 5, 4, 4)
_LONG_SHARE = 0.06


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation: an optional system text, then exchanges."""

    system: str
    exchanges: tuple[Exchange, ...]

    @property
    def topics(self) -> tuple[str, ...]:
        """Return what the exchanges are about, in order."""
        return tuple(exchange.topic for exchange in self.exchanges)

    @property
    def messages(self) -> list[Message]:
        """Return the conversation as role and content."""
        messages = [{"role": "system", "content": self.system}] if self.system else []
        for exchange in self.exchanges:
            messages.append({"role": "user", "content": exchange.user})
            messages.append({"role": "assistant", "content": exchange.reply})
        return messages


def write_dialogue(rng: Random, *, held_out: bool = False) -> Dialogue:
    """Write a dialogue from one side of the split: its values, its numbers, its order."""
    while True:
        length = rng.choices(_LENGTHS, _LENGTH_WEIGHTS)[0]
        if rng.random() < _LONG_SHARE:
            length = rng.randint(13, 22)
        writer = Writer(rng, rng.choice(LANGUAGES), held_out=held_out, plain=False)
        dialogue = writer.dialogue([writer.anything() for _ in range(length)])
        if is_order_held_out(dialogue.topics) == (held_out and length > 3):
            return dialogue


class Writer:
    """Writes exchanges one after another and knows what was told so far."""

    def __init__(self, rng: Random, language: str, *, held_out: bool, plain: bool) -> None:
        self.told = Told()
        self._rng = rng
        self._language = language
        self._held_out = held_out
        self._own_name: str | None = None
        self._reply_language: str | None = None
        self._mixed = not plain and rng.random() < 0.12
        self._system = self._system_text() if not plain and rng.random() < 0.2 else ""

    def dialogue(self, exchanges: Sequence[Exchange]) -> Dialogue:
        """Return the exchanges as a dialogue."""
        return Dialogue(self._system, tuple(exchanges))

    def anything(self) -> Exchange:
        """Continue with whatever may come next."""
        kind = self._rng.random()
        if kind < 0.2:
            first, second = self._rng.choices(KEYS, _KEY_WEIGHTS, k=2)
            return self.tell(second if first in self.told else first)
        if kind < 0.26:
            return self.tell_two()
        if kind < 0.28 and len(self.told) <= 4:
            return self.ask_everything()
        if kind < 0.31 and len(self.told) >= 2:
            return self.ask_two()
        if kind < 0.35 and (untold := self.told.unknown()):
            is_name = "name" in untold and self._rng.random() < 0.4
            return self.ask("name" if is_name else self._rng.choice(untold))
        if kind < 0.63 and self.told:
            return self.ask(
                self._rng.choice([*self.told, *self.told.likes()[:1], *self.told.liked_as()])
            )
        if kind < 0.67 and self.told:
            return self.correct(self._rng.choice(list(self.told)))
        return self.digress()

    def tell(self, key: str, patterns: str = "claims", replies: str = "replies") -> Exchange:
        """Let the user tell a fact, anew or again."""
        setting = self._setting()
        value = self._new_value(key, setting)
        telling, said = WORDING[setting.language]["telling"], self._said(setting)
        claim = choose(self._rng, self._wording(key, setting.language).claims)
        pattern = fill(choose(self._rng, telling[patterns]), c=claim)
        user = fill(typed(self._rng, pattern, setting.language), v=value)
        if key == "name" and replies == "replies":
            reply = say(self._rng, said["name_replies"], v=value)
        else:
            echo = self._echo(key, value, setting)
            reply = fill(choose(self._rng, said[replies]), e=echo)
        self.told[key] = value
        return Exchange(f"tell-{key}", user, reply, "")

    def correct(self, key: str) -> Exchange:
        """Let the user change what was told before."""
        return self.tell(key, "corrections", "correction_replies")

    def tell_two(self) -> Exchange:
        """Let the user tell two facts in one message."""
        setting = self._setting()
        first, second = self._rng.sample(KEYS, 2)
        if self._rng.random() < 0.5:
            first, second = "name", second if second != "name" else first
        one, other = self._new_value(first, setting), self._new_value(second, setting)
        claim = choose(self._rng, self._wording(first, setting.language).claims)
        also = choose(self._rng, self._wording(second, setting.language).claims)
        pattern = choose(self._rng, WORDING[setting.language]["telling"]["pairs"])
        pattern = fill(pattern, c=claim, d=also.replace("{v}", "{u}"))
        user = fill(typed(self._rng, pattern, setting.language), v=one, u=other)
        reply = fill(
            choose(self._rng, self._said(setting)["pair_replies"]),
            e=self._echo(first, one, setting),
            f=self._echo(second, other, setting),
        )
        self.told.pop(first, None)
        self.told.pop(second, None)
        self.told |= {first: one, second: other}
        return Exchange(f"tell-{first}-{second}", user, reply, "")

    def ask(self, key: str) -> Exchange:
        """Let the user ask for a fact, told or not. What he likes is all his preferences."""
        setting = self._setting()
        question = choose(self._rng, self._wording(key, setting.language).questions)
        user = typed(self._rng, question, setting.language)
        said = self._said(setting)
        asked = self.told.likes() if key == "like" else [key]
        if key in self.told.liked_as():
            asked = ["like"]
        if not asked or asked[0] not in self.told:
            noun = self._wording(key, setting.reply_language).noun
            reply = fill(said["unknown"][0], n=noun)
            return Exchange(f"ask-untold-{key}", user, reply, reply)
        reply = self._recital(asked, setting)
        return Exchange(f"ask-{key}", user, reply, self.told.get(key, reply))

    def ask_two(self) -> Exchange:
        """Let the user ask for two things that he told, at once."""
        setting = self._setting()
        first, second = self._rng.sample(sorted(self.told), 2)
        question, other = (
            choose(self._rng, self._wording(key, setting.language).questions).rstrip("?？.。")
            for key in (first, second)
        )
        pattern = choose(self._rng, WORDING[setting.language]["telling"]["question_pairs"])
        user = typed(self._rng, fill(pattern, q=question, r=other), setting.language)
        reply = self._recital([first, second], setting)
        return Exchange(f"ask-{first}-{second}", user, reply, reply)

    def ask_everything(self) -> Exchange:
        """Let the user ask for all that he told."""
        setting = self._setting()
        said = self._said(setting)
        pattern = choose(self._rng, WORDING[setting.language]["telling"]["everything_questions"])
        user = typed(self._rng, pattern, setting.language)
        reply = said["everything_nothing"][0]
        if self.told:
            reply = self._recital(list(self.told), setting)
        return Exchange("ask-everything", user, reply, reply)

    def digress(self) -> Exchange:
        """Talk about something else, or do a small task."""
        setting = self._setting()
        kind = self._rng.random()
        if kind < 0.45:
            return self._rng.choice(TASKS)(self._rng, setting)
        if kind < 0.52:
            return write_code(self._rng, setting, self.told.get("name"))
        topic = "unknown" if kind < 0.6 else self._rng.choice(_TOPICS)
        names = {"user": self.told.get("name"), "own": self._own_name}
        return talk(self._rng, setting, topic, **names)

    def _recital(self, keys: Sequence[str], setting: Setting) -> str:
        said = self._said(setting)
        echoes = [self._echo(key, self.told[key], setting) for key in keys]
        text = fill(said["answers"][0], e=said["separator"][0].join(echoes))
        return text[:1].upper() + text[1:]

    def _setting(self) -> Setting:
        language = self._language
        if self._mixed:
            language = self._rng.choice(LANGUAGES)
        return Setting(language, self._reply_language or language, self._held_out)

    def _said(self, setting: Setting) -> dict[str, list[str]]:
        said: dict[str, list[str]] = WORDING[setting.reply_language]["telling"]
        return said

    def _wording(self, key: str, language: str) -> Wording:
        return FACTS[language][key]

    def _echo(self, key: str, value: str, setting: Setting) -> str:
        return say(self._rng, self._wording(key, setting.reply_language).echoes, v=value)

    def _new_value(self, key: str, setting: Setting) -> str:
        language = setting.language
        if self._rng.random() < 0.05:
            language = self._rng.choice(LANGUAGES)
        pool = "city" if key == "origin" else key
        if key == "like" and (liked := self._new_liked(language)):
            return liked
        while True:
            value = draw(self._rng, pool, language, held_out=self._held_out)
            if value not in self.told.values():
                return value

    def _new_liked(self, language: str) -> str | None:
        """Return something to like of which the kind is known, every other time."""
        self.told.liked_kind = None
        kind = self._rng.choice(LIKED)
        values = listed(kind, language, held_out=self._held_out)
        new = [value for value in values if value not in self.told.values()]
        if not new or self._rng.random() < 0.5:
            return None
        self.told.liked_kind = kind
        return self._rng.choice(new)

    def _system_text(self) -> str:
        kind = self._rng.choice(("language", "language", "plain", "name", "name", "user"))
        systems = WORDING[self._language]["systems"]
        if kind == "language":
            target = self._rng.choice(LANGUAGES)
            self._reply_language = target
            return say(self._rng, systems[target])
        if kind == "plain":
            return say(self._rng, systems["plain"])
        name = draw(self._rng, "name", self._language, held_out=self._held_out)
        if kind == "name":
            self._own_name = name
        else:
            self.told["name"] = name
        return say(self._rng, systems[kind], v=name)

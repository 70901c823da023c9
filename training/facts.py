"""What a user can tell about himself and ask for later: how both sides word it, zh and en."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.patterns import fill
from training.wording import LANGUAGES, WORDING

# "What do I like?" asks for all of these.
PREFERENCES = ("food", "fruit", "drink", "animal", "sport", "hobby", "colour", "number")


@dataclass(frozen=True, slots=True)
class Wording:
    """The patterns of one fact in one language.

    ``claims`` are the user's, ``echoes`` the model's, both without capital and full stop;
    ``noun`` names the fact from the model's side.
    """

    claims: tuple[str, ...]
    questions: tuple[str, ...]
    echoes: tuple[str, ...]
    noun: str


def _facts(words: Mapping[str, Any]) -> dict[str, Wording]:
    facts = {key: _wording(fact) for key, fact in words["facts"].items()}
    favourite = words["favourite"]
    for key, thing in favourite["things"].items():
        facts[key] = _wording(favourite, thing)
    return facts


def _wording(fact: Mapping[str, Any], thing: Mapping[str, str] | None = None) -> Wording:
    thing = thing or {}
    extra = fact["verb"] if thing.get("verb") else {"claims": [], "questions": []}

    def filled(patterns: Sequence[str]) -> tuple[str, ...]:
        return tuple(fill(pattern, **thing) for pattern in patterns)

    return Wording(
        claims=filled([*fact["claims"], *extra["claims"]]),
        questions=filled([*fact["questions"], *extra["questions"]]),
        echoes=filled(fact["echoes"]),
        noun=fill(fact["noun"], **thing),
    )


FACTS = {language: _facts(WORDING[language]) for language in LANGUAGES}

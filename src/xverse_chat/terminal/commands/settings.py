"""``/set``: how answers are made, and what is shown of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len

from xverse_chat.config import GenerationSettings
from xverse_chat.errors import UsageError
from xverse_chat.terminal.commands.command import Candidate, Command, Desk
from xverse_chat.wording import Sentence, say

_ON, _OFF, _DEFAULT = "on", "off", "default"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting by the name of its option. ``parse`` raises ValueError for what it cannot be."""

    key: str
    parse: Callable[[str], Any]
    meaning: Sentence
    kind: Sentence
    words: tuple[str, ...] = (_DEFAULT,)


def _switch(text: str) -> bool:
    if text.lower() not in (_ON, _OFF):
        raise ValueError(text)
    return text.lower() == _ON


_NUMBER, _WHOLE, _SWITCH = say("a number"), say("a whole number"), say("on or off")

SETTINGS = (
    Setting("temperature", float, say("lower is more predictable"), _NUMBER),
    Setting("top_p", float, say("choose among the likeliest tokens that sum to this"), _NUMBER),
    Setting("top_k", int, say("choose among this many likeliest tokens; 0: all"), _WHOLE),
    Setting("repetition_penalty", float, say("above 1 avoids words already said"), _NUMBER),
    Setting("max_new_tokens", int, say("longest answer, in tokens"), _WHOLE),
    Setting("seed", int, say("same seed, same answer"), _WHOLE),
    Setting("greedy", _switch, say("always the likeliest token"), _SWITCH, (_ON, _OFF, _DEFAULT)),
    Setting("stats", _switch, say("what each answer took, below it"), _SWITCH, (_ON, _OFF)),
)


def _set(desk: Desk, argument: str) -> None:
    key, _, value = argument.partition(" ")
    key, _, after = key.partition("=")
    setting = _find(key) if key else None
    if setting is None:
        if key:
            raise UsageError(
                say("There is no setting {key!r}.", key=key),
                hint=say("There are {known}.", known=", ".join(row.key for row in SETTINGS)),
            )
        _show_all(desk)
        return
    value = (after + value).strip().removeprefix("=").strip()
    if value:
        _change(desk, setting, value)
    desk.renderer.notice(f"{setting.key} = {_value(desk, setting)}")
    if desk.overrides.get("do_sample") is False and setting.key in _ONLY_SAMPLING:
        desk.tell(say("While greedy is on this changes nothing."))


_ONLY_SAMPLING = frozenset({"temperature", "top_p", "top_k", "seed"})


def _show_all(desk: Desk) -> None:
    told = desk.texts.told
    values = [_value(desk, row) for row in SETTINGS]
    columns = max(map(cell_len, values))
    rows = [
        (row.key, f"{value}{' ' * (columns - cell_len(value))}  {told(row.meaning)}")
        for row, value in zip(SETTINGS, values, strict=True)
    ]
    desk.renderer.table(told(say("Settings")), rows)
    desk.tell(say("/set KEY VALUE changes one, /set KEY default gives it back to the model."))


def _change(desk: Desk, setting: Setting, text: str) -> None:
    if text == _DEFAULT and _DEFAULT in setting.words:
        desk.overrides.pop(_field(setting), None)
        return
    try:
        value = setting.parse(text)
    except ValueError as error:
        raise UsageError(
            say(
                "{key} must be {kind}, not {value!r}.",
                key=setting.key,
                kind=setting.kind,
                value=text,
            )
        ) from error
    if setting.key == "stats":
        desk.shows_statistics = value
        return
    if setting.key == "greedy":
        value = not value
    try:
        GenerationSettings().overridden({_field(setting): value})
    except ValueError as error:
        raise UsageError(say("Impossible value: {fault}.", fault=error.args[0])) from error
    desk.overrides[_field(setting)] = value


def _value(desk: Desk, setting: Setting) -> str:
    """Return what holds now; the model's own values are known once it is there."""
    if setting.key == "stats":
        return _ON if desk.shows_statistics else _OFF
    field = _field(setting)
    if field not in desk.overrides and desk.loaded() is None:
        return "…"
    value = getattr(desk.settings, field)
    if setting.key == "greedy":
        return _OFF if value else _ON
    return desk.texts.told(say("random")) if value is None else str(value)


def _field(setting: Setting) -> str:
    return "do_sample" if setting.key == "greedy" else setting.key


def _find(word: str) -> Setting | None:
    key = word.lower().lstrip("-").replace("-", "_")
    return next((row for row in SETTINGS if row.key == key), None)


def _candidates(desk: Desk, typed: str) -> Iterable[Candidate]:
    key, space, _ = typed.partition(" ")
    if not space:
        for row in SETTINGS:
            yield Candidate(row.key, f"{_value(desk, row)}  {desk.texts.told(row.meaning)}")
    elif (setting := _find(key)) is not None:
        for word in setting.words:
            yield Candidate(f"{key} {word}")


SET = Command(
    name="/set",
    run=_set,
    help=say("show the settings of answers, or change one"),
    argument=say("[KEY VALUE]"),
    candidates=_candidates,
)

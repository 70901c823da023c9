import re

import pytest
from rich.cells import cell_len

from tests.scripted import ScriptedBackend
from tests.terminal.desk import Screen


def test_set_shows_what_holds() -> None:
    screen = Screen(backend=ScriptedBackend())
    screen.desk.overrides["temperature"] = 0.3
    screen.type("/set")
    shown = screen.text
    assert "temperature: 0.3 " in shown
    assert "max_new_tokens: 2048 " in shown
    assert "greedy: on " in shown
    assert "seed: random " in shown
    assert "stats: on " in shown


def test_meanings_begin_in_one_column_beside_wide_values() -> None:
    screen = Screen(backend=ScriptedBackend(), language="zh")
    screen.type("/set")
    values = re.findall(r": (.*)(?=越低越稳定|种子相同)", screen.text)
    assert len(values) == 2
    assert len({cell_len(value) for value in values}) == 1


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("/set temperature 0.7", "temperature", 0.7),
        ("/set top-p 0.9", "top_p", 0.9),
        ("/set TOP_K 40", "top_k", 40),
        ("/set repetition_penalty=1.1", "repetition_penalty", 1.1),
        ("/set max_new_tokens = 64", "max_new_tokens", 64),
        ("/set seed 7", "seed", 7),
        ("/set greedy off", "do_sample", True),
        ("/set greedy on", "do_sample", False),
    ],
)
def test_set_changes_how_answers_are_made(line: str, field: str, value: object) -> None:
    screen = Screen(backend=ScriptedBackend())
    screen.type(line)
    assert screen.desk.overrides == {field: value}
    assert getattr(screen.desk.settings, field) == value


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/set temperature 0", "temperature must be above 0 and at most 100, not 0.0"),
        ("/set temperature nan", "temperature must be above 0 and at most 100"),
        ("/set top_p 2", "top-p must be above 0 and at most 1, not 2.0"),
        ("/set top_k x", "top_k must be a whole number, not 'x'."),
        ("/set top_k -1", "top-k must be 0 (off) or more, not -1"),
        ("/set repetition_penalty 11", "at most 10"),
        ("/set max_new_tokens 0", "max-new-tokens must be 1 or more, not 0"),
        ("/set seed -1", "seed must be from 0 to"),
        ("/set greedy perhaps", "greedy must be on or off, not 'perhaps'."),
        ("/set warmth 3", "There is no setting 'warmth'."),
    ],
)
def test_set_refuses_what_cannot_be_and_says_what_can(line: str, told: str) -> None:
    screen = Screen(backend=ScriptedBackend())
    screen.type(line)
    assert told in screen.text
    assert screen.desk.overrides == {}


def test_set_tells_a_bad_value_in_chinese() -> None:
    screen = Screen("zh")
    screen.type("/set temperature 热")
    assert screen.text == "错误：temperature 必须是数字，而不是 '热'。\n"


def test_default_gives_a_setting_back_to_the_model() -> None:
    screen = Screen(backend=ScriptedBackend())
    screen.type("/set seed 7")
    screen.type("/set seed default")
    assert screen.desk.overrides == {}


def test_statistics_are_switched() -> None:
    screen = Screen()
    screen.type("/set stats off")
    assert not screen.desk.shows_statistics
    assert screen.text == "stats = off\n"


def test_a_setting_that_greedy_makes_idle_says_so() -> None:
    screen = Screen(backend=ScriptedBackend())
    screen.type("/set greedy on")
    assert "changes nothing" not in screen.text
    screen.type("/set temperature 0.5")
    assert "While greedy is on this changes nothing." in screen.text

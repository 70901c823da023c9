from random import Random

import pytest

from training.dialogues import Dialogue, Writer, write_dialogue
from training.facts import FACTS
from training.held_out import is_held_out, is_order_held_out
from training.trials import Trial, recall_trials, special_trials
from training.values import draw
from training.wording import LANGUAGES, WORDING


def dialogues(count: int, seed: int = 0, *, held_out: bool = False) -> list[Dialogue]:
    rng = Random(seed)
    return [write_dialogue(rng, held_out=held_out) for _ in range(count)]


def test_the_same_seed_writes_the_same_dialogues() -> None:
    assert dialogues(50, 7) == dialogues(50, 7)
    assert dialogues(50, 7) != dialogues(50, 8)


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_value_comes_from_one_side_of_the_split(language: str, held_out: bool) -> None:
    rng = Random(1)
    for pool in ("name", "number", "age", "colour", "food", "city", "pet", "like"):
        values = [draw(rng, pool, language, held_out=held_out) for _ in range(50)]
        assert all(is_held_out(value) == held_out for value in values)


def test_case_and_spaces_do_not_change_sides() -> None:
    assert len({is_held_out(text) for text in ("Anna Lee", "anna  lee", " ANNA LEE ")}) == 1


def test_about_one_in_ten_is_held_out() -> None:
    share = sum(is_held_out(f"name {number}") for number in range(5000)) / 5000
    assert 0.08 < share < 0.12


def test_training_never_shows_a_held_out_order_of_topics() -> None:
    assert not any(is_order_held_out(dialogue.topics) for dialogue in dialogues(500))
    held_out = dialogues(30, held_out=True)
    assert all(is_order_held_out(one.topics) for one in held_out if len(one.topics) > 3)


def test_training_never_shows_a_value_that_trials_ask_for() -> None:
    trials = recall_trials(10)
    assert all(is_held_out(trial.expected) for trial in trials)
    assert {len(LANGUAGES) * 4} == {len({trial.group for trial in trials})}


def test_trials_ask_as_many_turns_later_as_they_say() -> None:
    for trial in recall_trials(10):
        distance = int(trial.group.split()[-1])
        assert trial.expected in trial.users[-1 - distance]


def test_an_answer_names_the_value_told_last() -> None:
    for language in LANGUAGES:
        writer = Writer(Random(3), language, held_out=False, plain=True)
        writer.tell("name")
        old = writer.told["name"]
        writer.correct("name")
        answer = writer.ask("name")
        assert writer.told["name"] != old
        assert writer.told["name"] in answer.reply


def test_what_was_never_told_is_not_known() -> None:
    writer = Writer(Random(3), "en", held_out=False, plain=True)
    assert writer.ask("name").reply == "You have not told me your name yet."


def test_no_dialogue_holds_an_open_choice_or_value() -> None:
    for dialogue in dialogues(500):
        text = "".join(message["content"] for message in dialogue.messages)
        assert not any(mark in text for mark in ("{", "}", "[", "]")), text


def test_both_languages_have_the_same_facts_talk_and_tasks() -> None:
    assert set(FACTS["zh"]) == set(FACTS["en"])
    assert set(WORDING["zh"]["talk"]) == set(WORDING["en"]["talk"])
    assert set(WORDING["zh"]["tasks"]) == set(WORDING["en"]["tasks"])


def test_a_trial_fails_on_a_longer_word_or_another_value() -> None:
    trial = Trial("recall en 2", ("?",), "ann", ("Rex",))
    assert trial.passes("Your name is ann.")
    assert not trial.passes("Your name is anna.")
    assert not trial.passes("Your name is ann. Your pet's name is Rex.")


def test_corrected_trials_forbid_the_old_name() -> None:
    assert any(trial.forbidden for trial in special_trials(5))


def test_what_he_likes_is_every_preference_told() -> None:
    writer = Writer(Random(4), "en", held_out=False, plain=True)
    writer.tell("drink")
    writer.tell("colour")
    reply = writer.ask("like").reply
    assert writer.told["drink"] in reply
    assert writer.told["colour"] in reply

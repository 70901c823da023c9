import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scripted import ScriptedBackend
from xverse_chat.chat.backend import Message, ModelDescription
from xverse_chat.chat.budget import KEPT_SHARE, look_ahead, prompt_budget, refusal, rounds_left_out
from xverse_chat.chat.session import Session
from xverse_chat.chat.turn import ask, ask_again, go_on
from xverse_chat.config import GenerationSettings
from xverse_chat.errors import ContextLengthError

# A token is a character; of 100 there are 80 for the prompt, and 48 after something was dropped.
SETTINGS = GenerationSettings(max_new_tokens=20)


class SmallBackend(ScriptedBackend):
    def __init__(self, *scripts: list[str]) -> None:
        super().__init__(*scripts)
        self.description = ModelDescription("scripted", "float32", "cpu", context_tokens=100)


def talk(rounds: int, system: str = "") -> Session:
    """Return rounds of ten tokens, of which the question says its number."""
    session = Session(system)
    for number in range(1, rounds + 1):
        session.append(Message("user", f"q{number:03}"))
        session.append(Message("assistant", "answer"))
    return session


def test_what_fits_is_left_as_it_is() -> None:
    outlook = look_ahead(ask(talk(7), "1234567890"), SmallBackend(), SETTINGS)
    assert (outlook.prompt_tokens, outlook.context_tokens, outlook.overflow) == (80, 100, None)


def test_the_oldest_rounds_go_and_many_at_once() -> None:
    session = talk(8)
    outlook = look_ahead(ask(session, "next"), SmallBackend(), SETTINGS)
    assert outlook.overflow is not None
    assert (outlook.overflow.first_round, outlook.overflow.last_round) == (1, 4)
    assert outlook.overflow.questions == ("q001", "q002", "q003", "q004")
    assert (outlook.overflow.needed_tokens, outlook.overflow.budget_tokens) == (84, 80)
    assert outlook.overflow.kept_tokens == outlook.prompt_tokens == 44
    assert session.given() == list(range(1, 17))  # looking changes nothing
    session.drop(outlook.overflow.through)
    assert next(m.content for m in session.prompt()) == "q005"
    assert look_ahead(ask(session, "next"), SmallBackend(), SETTINGS).overflow is None


def test_rounds_are_counted_over_the_whole_conversation() -> None:
    session = talk(8)
    assert rounds_left_out(session) == 0
    session.drop(8)
    assert rounds_left_out(session) == 4
    for number in range(9, 13):
        session.append(Message("user", f"q{number:03}"))
        session.append(Message("assistant", "answer"))
    overflow = look_ahead(ask(session, "next"), SmallBackend(), SETTINGS).overflow
    assert overflow is not None
    assert (overflow.first_round, overflow.last_round) == (5, 8)
    assert overflow.questions[0] == "q005"


def test_the_system_text_never_goes() -> None:
    session = talk(5, system="s" * 30)
    overflow = look_ahead(ask(session, "next"), SmallBackend(), SETTINGS).overflow
    assert overflow is not None
    session.drop(overflow.through)
    prompt = ask(session, "next").messages
    assert prompt[0] == Message("system", "s" * 30)
    assert sum(len(m.content) for m in prompt) == overflow.kept_tokens


def test_a_message_that_cannot_fit_is_refused_with_figures() -> None:
    session = talk(1, system="s" * 30)
    with pytest.raises(ContextLengthError) as raised:
        look_ahead(ask(session, "x" * 51), SmallBackend(), SETTINGS)
    assert raised.value.message == (
        "The message has 51 tokens and the system text 30; of the model's context of 100 tokens "
        "80 are left for them beside the answer."
    )
    assert "--max-new-tokens (now 20)" in raised.value.hint
    assert look_ahead(ask(session, "x" * 50), SmallBackend(), SETTINGS).overflow is not None


def test_at_least_half_of_the_context_is_for_the_prompt() -> None:
    assert prompt_budget(100, 20) == 80
    assert prompt_budget(100, 2000) == 50
    greedy = GenerationSettings(max_new_tokens=2000)
    with pytest.raises(ContextLengthError) as raised:
        look_ahead(ask(Session(), "x" * 51), SmallBackend(), greedy)
    assert raised.value.hint == "Send less text at once."


def test_an_answer_that_goes_on_is_not_left_out() -> None:
    session = talk(7)
    session.append(Message("user", "q008"))
    session.append(Message("assistant", "x" * 60, interrupted=True))
    overflow = look_ahead(go_on(session), SmallBackend(), SETTINGS).overflow
    assert overflow is not None
    assert (overflow.last_round, overflow.kept_tokens) == (7, 64)


def test_answering_again_looks_at_what_comes_before() -> None:
    session = talk(8)
    outlook = look_ahead(ask_again(session), SmallBackend(), SETTINGS)
    assert (outlook.prompt_tokens, outlook.overflow) == (74, None)


def test_a_refusal_tells_what_is_needed_and_what_can_be_done() -> None:
    outlook = look_ahead(ask(talk(8), "next"), SmallBackend(), SETTINGS)
    assert outlook.overflow is not None
    error = refusal(outlook, outlook.overflow)
    assert "has 84 tokens" in error.message
    assert "/context drop" in error.hint


@given(st.lists(st.integers(0, 60), max_size=12), st.integers(0, 60), st.integers(0, 20))
def test_what_is_kept_fits_and_no_more_goes_than_has_to(
    sizes: list[int], question: int, system: int
) -> None:
    session = Session("s" * system)
    for size in sizes:
        session.append(Message("user", "q" * (size // 2)))
        session.append(Message("assistant", "a" * (size - size // 2)))
    overflow = look_ahead(ask(session, "x" * question), SmallBackend(), SETTINGS).overflow
    whole = system + sum(sizes) + question
    assert (overflow is None) == (whole <= 80)
    if overflow is not None:
        session.drop(overflow.through)
        kept = sum(len(m.content) for m in ask(session, "x" * question).messages)
        assert kept == overflow.kept_tokens <= 80
        gone = sizes[: overflow.last_round]
        assert kept <= 100 * 0.8 * KEPT_SHARE or len(gone) == len(sizes)
        assert kept + gone[-1] > int(80 * KEPT_SHARE)

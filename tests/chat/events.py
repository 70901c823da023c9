"""Hypothesis's idea of a conversation: things done to a session, and the events they make."""

from hypothesis import strategies as st

from xverse_chat.chat.backend import FinishReason, Message
from xverse_chat.chat.events import (
    Dropped,
    Event,
    Grown,
    Moved,
    Named,
    Policy,
    PolicyChosen,
    Said,
    Summarised,
    SystemSet,
    finished_message,
)
from xverse_chat.chat.session import Session

# No lone surrogates: every text in the program is clean before it comes here.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers(0, 2**40)
REASONS: st.SearchStrategy[FinishReason] = st.sampled_from(["stop", "length", "interrupted"])
ANSWERS = st.builds(finished_message, TEXTS, REASONS)
MESSAGES = st.builds(Message, st.just("user"), TEXTS) | ANSWERS
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Said, NUMBERS, MESSAGES),
    st.builds(Grown, NUMBERS, TEXTS, REASONS),
    st.builds(Moved, NUMBERS),
    st.builds(SystemSet, TEXTS),
    st.builds(Named, TEXTS),
    st.builds(PolicyChosen, st.sampled_from(Policy)),
    st.builds(Dropped, NUMBERS),
    st.builds(Summarised, NUMBERS, TEXTS),
)


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    """Return a session in which up to a dozen things happened; it ends with an answer or empty."""
    session = Session(draw(TEXTS))
    for step in draw(st.lists(st.integers(0, 7), max_size=12)):
        places = st.integers(0, session.total)
        match step:
            case 0 | 1 | 2:
                session.put(Message("user", draw(TEXTS)), after=draw(places))
                session.append(draw(ANSWERS))
            case 3:
                session.move(draw(places))
            case 4:
                session.set_system(draw(TEXTS))
            case 5 if session.can_go_on:
                session.grow(draw(TEXTS), draw(REASONS))
            case 6 if session.position:
                session.drop(session.position)
            case 7 if session.position:
                session.summarise(session.position, draw(TEXTS))
    return session

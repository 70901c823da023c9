import pytest
from hypothesis import given
from hypothesis import strategies as st

from xverse_chat.chat.backend import Message
from xverse_chat.chat.message_tree import MessageTree
from xverse_chat.errors import DataError, UsageError

QUESTION, ANSWER = Message("user", "q"), Message("assistant", "a")


def branched() -> MessageTree:
    """Return 1 q, 2 a, 3 q, then the answers 4 and 5 to it, and 6, asked instead of 3."""
    tree = MessageTree()
    for message, after in ((QUESTION, 0), (ANSWER, 1), (QUESTION, 2), (ANSWER, 3), (ANSWER, 3)):
        tree.add(message, after=after)
    tree.add(Message("user", "other"), after=2)
    return tree


def test_the_way_leads_from_the_first_message_to_the_position() -> None:
    tree = branched()
    assert (tree.position, tree.path(), tree.path(4)) == (6, [1, 2, 6], [1, 2, 3, 4])
    tree.move(5)
    assert tree.path() == [1, 2, 3, 5]
    tree.move(0)
    assert tree.path() == []


def test_alternatives_are_the_answers_to_one_question() -> None:
    tree = branched()
    assert tree.alternatives() == []
    tree.move(4)
    assert tree.alternatives() == [4, 5]


def test_the_last_below_is_found_on_any_way() -> None:
    tree = branched()
    tree.move(3)
    assert tree.last_below() == 5
    tree.move(1)
    assert tree.last_below() == 6
    assert MessageTree().last_below() == 0


def test_questions_are_counted_along_the_way() -> None:
    tree = branched()
    assert [tree.before_question(1), tree.before_question(2)] == [0, 2]
    with pytest.raises(UsageError, match="no question 3; there are 2"):
        tree.before_question(3)


def test_what_was_never_said_is_refused_and_changes_nothing() -> None:
    tree = branched()
    for number in (-1, 7):
        with pytest.raises(DataError, match="there are 6"):
            tree.move(number)
        with pytest.raises(DataError, match="there are 6"):
            tree.add(ANSWER, after=number)
    assert (tree.position, tree.total) == (6, 6)


@given(st.lists(st.integers(0, 30), max_size=30))
def test_every_way_is_a_chain_of_what_was_said_before(places: list[int]) -> None:
    tree = MessageTree()
    came_after: dict[int, int] = {}
    for place in places:
        after = place % (tree.total + 1)
        tree.add(QUESTION, after=after)
        came_after[tree.position] = after
    for number, after in came_after.items():
        assert tree.path(number) == [*tree.path(after), number]
    tree.move(0)
    assert tree.last_below() == tree.total

"""``/retry /continue /edit /undo /redo``: another way through the conversation.

Nothing is lost on any of them: what is put aside stays saved.
"""

from collections.abc import Iterable

from xverse_chat.chat.title import shorten
from xverse_chat.chat.turn import Turn, ask_again, go_on
from xverse_chat.errors import UsageError
from xverse_chat.terminal.commands.arguments import parse_number
from xverse_chat.terminal.commands.command import Candidate, Command, Desk
from xverse_chat.terminal.recall import show_end
from xverse_chat.wording import say

_COLUMNS = 50
# Of an answer that goes on, how much of its end reminds of it.
_END_COLUMNS = 60


def tell_alternatives(desk: Desk) -> None:
    """Say how to return to an earlier answer of the last question, where there is one."""
    count, chosen = len(desk.session.alternatives), desk.session.alternative
    if count > 1:
        desk.tell(
            say(
                "Answer {chosen} of {count}. /retry NUMBER goes to another, /retry answers anew.",
                chosen=chosen,
                count=count,
            )
        )


def _retry(desk: Desk, argument: str) -> Turn | None:
    if not argument:
        return ask_again(desk.session)
    desk.session.choose(parse_number(argument))
    show_end(desk.session, desk.renderer, desk.texts)
    tell_alternatives(desk)
    return None


def _alternatives(desk: Desk, typed: str) -> Iterable[Candidate]:
    for number, message in enumerate(desk.session.alternatives, start=1):
        yield Candidate(str(number), shorten(message.content, _COLUMNS))


def _continue(desk: Desk, argument: str) -> Turn | None:
    turn = go_on(desk.session)
    last = desk.session.messages[-1].content
    desk.renderer.notice(f"…{_end(last)}")
    return turn


def _end(text: str) -> str:
    """Return the end of a text, in one line that has room in the window."""
    line = " ".join(text[-_END_COLUMNS:].split())
    return line[-_END_COLUMNS // 2 :]


def _edit(desk: Desk, argument: str) -> None:
    questions = desk.session.questions
    if not questions:
        raise UsageError(say("Nothing was asked yet that could be changed."))
    number = parse_number(argument) if argument else len(questions)
    desk.session.before_question(number)  # raises where there is none
    desk.draft, desk.instead_of = questions[number - 1], number
    desk.tell(
        say(
            "Question {number} is in the line. Sent, it takes the place of the old one, and what "
            "came after that is put aside. Ctrl-C leaves everything as it is.",
            number=number,
        )
    )


def _questions(desk: Desk, typed: str) -> Iterable[Candidate]:
    questions = desk.session.questions
    for number in range(len(questions), 0, -1):
        yield Candidate(str(number), shorten(questions[number - 1], _COLUMNS))


def _undo(desk: Desk, argument: str) -> None:
    taken = desk.session.undo(parse_number(argument) if argument else 1)
    desk.tell(
        say(
            "Taken back, from “{question}” on. /redo brings it back.",
            question=shorten(taken[0], _COLUMNS),
        )
    )
    show_end(desk.session, desk.renderer, desk.texts)


def _redo(desk: Desk, argument: str) -> None:
    if not desk.session.redo():
        raise UsageError(say("There is nothing to bring back."))
    show_end(desk.session, desk.renderer, desk.texts)
    tell_alternatives(desk)


ANSWERS = (
    Command(
        name="/retry",
        run=_retry,
        help=say("answer anew, or return to an earlier answer"),
        argument=say("[NUMBER]"),
        candidates=_alternatives,
        edits_session=True,
    ),
    Command(
        name="/continue",
        run=_continue,
        help=say("go on with an answer that was broken off"),
        edits_session=True,
    ),
    Command(
        name="/edit",
        run=_edit,
        help=say("change the last question or another, go on from there"),
        argument=say("[NUMBER]"),
        candidates=_questions,
        edits_session=True,
    ),
    Command(
        name="/undo",
        run=_undo,
        help=say("take back the last round of question and answer, or more"),
        argument=say("[COUNT]"),
        edits_session=True,
    ),
    Command(
        name="/redo",
        run=_redo,
        help=say("bring back what /undo took back"),
        edits_session=True,
    ),
)

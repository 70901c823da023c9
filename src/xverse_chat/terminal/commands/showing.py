"""``/stats /context /system /model``: what is going on."""

from collections.abc import Iterable

from xverse_chat.chat.backend import Backend
from xverse_chat.chat.budget import rounds_left_out
from xverse_chat.chat.events import Policy
from xverse_chat.errors import UsageError
from xverse_chat.terminal.commands.command import Candidate, Command, Desk
from xverse_chat.terminal.measures import format_bytes
from xverse_chat.terminal.status_line import short_rate
from xverse_chat.wording import say

_REMOVE = "-"


def _show_statistics(desk: Desk, argument: str) -> None:
    if desk.last is None:
        raise UsageError(say("There is no answer yet to tell of."))
    told, usage, timings = desk.texts.told, desk.last.usage, desk.last.timings
    cached = timings.cached_tokens
    rows = [
        (
            told(say("read")),
            told(
                say(
                    "{count} tokens, {cached} of them known from before",
                    count=usage.prompt_tokens,
                    cached=cached,
                )
            ),
        ),
        (told(say("written")), told(say("{count} tokens", count=usage.completion_tokens))),
        (
            told(say("first word")),
            told(say("after {seconds} s", seconds=f"{timings.first_token_s:.2f}")),
        ),
    ]
    if timings.decode_tokens_per_s is not None:
        rows.append((told(say("speed")), short_rate(timings.decode_tokens_per_s)))
    rows.append((told(say("loading")), told(say("{seconds} s", seconds=f"{timings.load_s:.1f}"))))
    desk.renderer.table(told(say("The last answer")), rows)


def _context(desk: Desk, argument: str) -> None:
    texts, session = desk.texts, desk.session
    if argument:
        policy = next((row for row in Policy if row.value == argument.lower()), None)
        if policy is None:
            desk.renderer.notice(texts.context_unknown.format(name="/context"))
            return
        session.choose_policy(policy)
    backend = desk.loaded()
    if backend is not None:
        desk.renderer.notice(desk.gauge.measure(session, backend).told(texts))
    if left_out := rounds_left_out(session):
        desk.renderer.notice(texts.context_left_out.format(count=left_out))
    if session.summary:
        desk.renderer.notice(texts.context_summary.format(summary=session.summary))
    ways = {
        None: texts.context_undecided,
        Policy.DROP: texts.context_drop,
        Policy.SUMMARISE: texts.context_summarise,
        Policy.REFUSE: texts.context_refuse,
    }
    desk.renderer.notice(texts.context_policy.format(policy=ways[session.policy]))


def _policies(desk: Desk, typed: str) -> Iterable[Candidate]:
    texts = desk.texts
    yield Candidate(Policy.DROP.value, texts.context_drop)
    yield Candidate(Policy.SUMMARISE.value, texts.context_summarise)
    yield Candidate(Policy.REFUSE.value, texts.context_refuse)


def _system(desk: Desk, argument: str) -> None:
    session = desk.session
    if argument:
        session.set_system("" if argument == _REMOVE else argument)
    if session.system:
        desk.tell(say("The system text is: {text}", text=session.system))
    elif argument:
        desk.tell(say("There is no system text any more."))
    else:
        desk.tell(say("There is no system text. /system TEXT sets one."))


def _model(desk: Desk, argument: str) -> None:
    told, described, backend = desk.texts.told, desk.described, desk.loaded()
    rows = [
        (told(say("model")), described.model_id),
        (told(say("precision")), described.precision),
        (told(say("device")), described.device),
    ]
    if described.context_tokens:
        rows.append(
            (told(say("context")), told(say("{count} tokens", count=described.context_tokens)))
        )
    if backend is not None and (memory := _memory(backend)):
        rows.append((told(say("memory")), memory))
    if described.folder is not None:
        rows.append((told(say("folder")), str(described.folder)))
    desk.renderer.table(told(say("The model")), rows)
    desk.tell(say("Another one: leave, and start xverse-chat --model ID_OR_FOLDER."))


def _memory(backend: Backend) -> str:
    size_bytes = backend.memory_bytes
    return format_bytes(size_bytes) if size_bytes else ""


SHOWING = (
    Command(
        name="/context",
        run=_context,
        help=say("context used; when full: drop, summarise or refuse"),
        argument=say("[POLICY]"),
        candidates=_policies,
        edits_session=True,
    ),
    Command(
        name="/system",
        run=_system,
        help=say("show or set the system text; - removes it"),
        argument=say("[TEXT]"),
        edits_session=True,
    ),
    Command(name="/stats", run=_show_statistics, help=say("what the last answer took")),
    Command(
        name="/model",
        run=_model,
        help=say("the model, its precision, device, memory, folder"),
    ),
)

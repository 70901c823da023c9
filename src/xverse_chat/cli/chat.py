"""``xverse-chat``: what its options set in motion.

Nothing heavy is imported before it is needed: ``--help`` and a mistyped option cost no torch.
"""

import os
import sys

import typer

from xverse_chat.cli.answer import answer_once
from xverse_chat.cli.chat_options import (
    AsJson,
    Demo,
    Device,
    Dtype,
    Files,
    GoesOn,
    Greedy,
    History,
    MaxNewTokens,
    Messages,
    Model,
    Plain,
    Prompt,
    Quant,
    RepetitionPenalty,
    Save,
    ScreenReader,
    Seed,
    Session,
    Stats,
    System,
    Temperature,
    TopK,
    TopP,
)
from xverse_chat.cli.conversation import converse
from xverse_chat.cli.loader import Loader
from xverse_chat.cli.options import (
    CacheDir,
    Config,
    Help,
    InstallCompletion,
    Lang,
    ShowCompletion,
    ShowConfig,
    Version,
)
from xverse_chat.cli.origin import Origin, origin_of
from xverse_chat.cli.overrides import check_overrides
from xverse_chat.cli.program import run_program
from xverse_chat.cli.question import Inquiry
from xverse_chat.cli.remembrance import Remembrance
from xverse_chat.cli.source import find_source
from xverse_chat.cli.start import Program, Start
from xverse_chat.config import DEMO_MODEL_ID
from xverse_chat.terminal.terminal_state import wants_screen_reader
from xverse_chat.wording import say


def chat(
    context: typer.Context,
    model: Model = None,
    demo: Demo = False,
    quant: Quant = None,
    cache_dir: CacheDir = None,
    device: Device = "auto",
    dtype: Dtype = None,
    system: System = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    top_k: TopK = None,
    repetition_penalty: RepetitionPenalty = None,
    max_new_tokens: MaxNewTokens = None,
    seed: Seed = None,
    greedy: Greedy = False,
    goes_on: GoesOn = False,
    session: Session = None,
    save: Save = True,
    history: History = True,
    prompt: Prompt = None,
    files: Files = None,
    messages: Messages = None,
    as_json: AsJson = False,
    lang: Lang = None,
    plain: Plain = False,
    stats: Stats = True,
    screen_reader: ScreenReader = None,
    config: Config = None,
    show_config: ShowConfig = False,
    show_completion: ShowCompletion = None,
    install_completion: InstallCompletion = None,
    version: Version = False,
    help_: Help = False,
) -> None:
    """Hold a conversation, or answer a script once."""
    start: Start = context.obj
    bits = int(quant.value) if quant else None
    overrides = check_overrides(
        context,
        greedy=greedy,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        repetition_penalty=repetition_penalty,
        max_new_tokens=max_new_tokens,
        seed=seed,
    )
    if demo and origin_of(context, "model") is not Origin.OPTION:
        model = DEMO_MODEL_ID  # what was typed goes before what is set for always
    source = find_source(model, demo=demo, cache_dir=cache_dir, quant=bits)
    loader = Loader(source, device=device, dtype=dtype.value if dtype else None, quant=bits)
    inquiry = Inquiry(prompt, messages, tuple(files or ()), system)
    remembrance = Remembrance(goes_on, session, saves=save, keeps_history=history and save)
    is_read_out = wants_screen_reader(screen_reader, os.environ)
    plain = plain or is_read_out
    if _wants_one_answer(inquiry, as_json=as_json):
        answer_once(loader, inquiry, remembrance, overrides=overrides, start=start, plain=plain)
    else:
        raise SystemExit(
            converse(
                loader,
                overrides,
                inquiry=inquiry,
                remembrance=remembrance,
                texts=start.texts,
                plain=plain,
                screen_reader=is_read_out,
                shows_statistics=stats,
            )
        )


def _wants_one_answer(inquiry: Inquiry, *, as_json: bool) -> bool:
    """Tell a script from somebody at a terminal who wants to talk.

    With files and a redirected output there is something to answer, and nobody to see a prompt.
    """
    is_asked = inquiry.prompt is not None or inquiry.messages_file is not None or as_json
    is_redirected = bool(inquiry.files) and not sys.stdout.isatty()
    return is_asked or is_redirected or not sys.stdin.isatty()


def main() -> None:
    """Run the command line of ``xverse-chat``."""
    run_program(
        Program(
            name="xverse-chat",
            run=chat,
            usage=say("Usage: xverse-chat [OPTIONS]"),
            intro=(
                say("Talk to XVERSE-7B-Chat in a terminal."),
                say(
                    "Without options: a conversation. With -p, --messages or piped text: one "
                    "answer on stdout."
                ),
            ),
            stray_hint=say('A question goes after -p, in quotes: xverse-chat -p "…"'),
        )
    )

"""``xverse-chat``: its options, and what they set in motion.

Nothing heavy is imported before it is needed: ``--help`` and a mistyped option cost no torch.
"""

import os
import sys
from typing import Annotated

import typer

from xverse_chat.cli.answer import answer_once
from xverse_chat.cli.conversation import converse
from xverse_chat.cli.loader import Loader
from xverse_chat.cli.options import (
    ANSWER,
    MEMORY,
    MODEL,
    SCREEN,
    SCRIPTS,
    CacheDir,
    Config,
    Help,
    InstallCompletion,
    Lang,
    ShowCompletion,
    ShowConfig,
    Version,
    quant_option,
)
from xverse_chat.cli.origin import Origin, origin_of
from xverse_chat.cli.overrides import check_overrides
from xverse_chat.cli.program import run_program
from xverse_chat.cli.question import Inquiry
from xverse_chat.cli.remembrance import Remembrance
from xverse_chat.cli.source import find_source
from xverse_chat.cli.start import Program, Start
from xverse_chat.cli.values import Bits, Dtype, number, one_of, whole_number
from xverse_chat.config import DEFAULT_MODEL_ID, DEMO_MODEL_ID
from xverse_chat.terminal.terminal_state import wants_screen_reader
from xverse_chat.wording import say


def chat(
    context: typer.Context,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="ID_OR_FOLDER",
            help=say(
                "Model to talk to: an id such as {model} (the default), a folder, or demo.",
                model=DEFAULT_MODEL_ID,
            ),
            rich_help_panel=MODEL,
        ),
    ] = None,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo",
            allow_from_autoenv=False,
            help=say("Talk to the small demo model that is part of this program."),
            rich_help_panel=MODEL,
        ),
    ] = False,
    quant: Annotated[
        Bits | None,
        quant_option(
            say(
                "Use weights of 4 or 8 bits: those that xverse-download --quant made, else the "
                "16-bit ones, quantized while loading."
            )
        ),
    ] = None,
    cache_dir: CacheDir = None,
    device: Annotated[
        str,
        typer.Option(
            metavar="auto|cpu|cuda[:N]",
            help=say("Where to compute. Default: auto."),
            rich_help_panel=MODEL,
        ),
    ] = "auto",
    dtype: Annotated[
        Dtype | None,
        typer.Option(
            parser=one_of(Dtype),
            help=say("Precision to compute in. Default: float16 on a GPU, float32 on a CPU."),
            rich_help_panel=MODEL,
        ),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help=say("Text put before the conversation."),
            rich_help_panel=ANSWER,
        ),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            parser=number,
            help=say("Above 0; lower is more predictable."),
            rich_help_panel=ANSWER,
        ),
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            parser=number,
            help=say("Choose among the likeliest tokens that sum to this."),
            rich_help_panel=ANSWER,
        ),
    ] = None,
    top_k: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole_number,
            help=say("Choose among this many likeliest tokens; 0: all."),
            rich_help_panel=ANSWER,
        ),
    ] = None,
    repetition_penalty: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            parser=number,
            help=say("Above 1 avoids words already said."),
            rich_help_panel=ANSWER,
        ),
    ] = None,
    max_new_tokens: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole_number,
            help=say("Longest answer, in tokens."),
            rich_help_panel=ANSWER,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole_number,
            help=say("Same seed, same answer."),
            rich_help_panel=ANSWER,
        ),
    ] = None,
    greedy: Annotated[
        bool,
        typer.Option(
            "--greedy/--no-greedy",
            help=say("Always take the likeliest token."),
            rich_help_panel=ANSWER,
        ),
    ] = False,
    goes_on: Annotated[
        bool,
        typer.Option(
            "--continue",
            allow_from_autoenv=False,
            help=say("Go on with the conversation talked in last."),
            rich_help_panel=MEMORY,
        ),
    ] = False,
    session: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            allow_from_autoenv=False,
            help=say("Go on with the conversation of this name, or begin it."),
            rich_help_panel=MEMORY,
        ),
    ] = None,
    save: Annotated[
        bool,
        typer.Option(
            "--save/--no-save",
            help=say("Save conversations on this machine. Default: they are saved."),
            rich_help_panel=MEMORY,
        ),
    ] = True,
    history: Annotated[
        bool,
        typer.Option(
            "--history/--no-history",
            help=say("Remember what is typed for the next time. Default: it is, unless --no-save."),
            rich_help_panel=MEMORY,
        ),
    ] = True,
    prompt: Annotated[
        str | None,
        typer.Option(
            "--prompt",
            "-p",
            metavar="TEXT",
            allow_from_autoenv=False,
            help=say("Answer this once, on stdout, and leave. Text piped in goes before it."),
            rich_help_panel=SCRIPTS,
        ),
    ] = None,
    files: Annotated[
        list[str] | None,
        typer.Option(
            "--file",
            "-f",
            metavar="FILE",
            allow_from_autoenv=False,
            help=say(
                "Put a text file before the question; again for more files. - is what is piped in."
            ),
            rich_help_panel=SCRIPTS,
        ),
    ] = None,
    messages: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            allow_from_autoenv=False,
            help=say(
                'Answer a conversation, JSON: [{"role": "user", "content": "…"}]. - is what is '
                "piped in."
            ),
            rich_help_panel=SCRIPTS,
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            allow_from_autoenv=False,
            help=say("Write the answer, or what went wrong, as one JSON object."),
            rich_help_panel=SCRIPTS,
        ),
    ] = False,
    lang: Lang = None,
    plain: Annotated[
        bool,
        typer.Option(
            "--plain/--no-plain",
            help=say("No colour, no redrawing."),
            rich_help_panel=SCREEN,
        ),
    ] = False,
    stats: Annotated[
        bool,
        typer.Option(
            "--stats/--no-stats",
            help=say("Show what each answer took, below it. Default: it is shown."),
            rich_help_panel=SCREEN,
        ),
    ] = True,
    screen_reader: Annotated[
        bool | None,
        typer.Option(
            "--screen-reader/--no-screen-reader",
            help=say(
                "For screen readers: whole paragraphs, forms told in words, nothing redrawn. "
                "ACCESSIBLE=1 does the same."
            ),
            rich_help_panel=SCREEN,
        ),
    ] = None,
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

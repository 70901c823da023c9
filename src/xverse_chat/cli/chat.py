"""``xverse-chat``: its options, and what they set in motion.

Nothing heavy is imported before it is needed: ``--help`` and a mistyped option cost no torch.
"""

import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

import xverse_chat
from xverse_chat.cli.answer import answer_once
from xverse_chat.cli.bits import Bits
from xverse_chat.cli.conversation import converse
from xverse_chat.cli.loader import Loader
from xverse_chat.cli.outcome import ending_well, use_utf8
from xverse_chat.cli.question import read_question
from xverse_chat.cli.source import find_source
from xverse_chat.config import DEFAULT_MODEL_ID, GenerationSettings
from xverse_chat.errors import UsageError

MODEL, ANSWER, SCRIPTS, SCREEN = "Model", "Answer", "Scripts", "Screen"


class Dtype(Enum):
    """The precisions of --dtype."""

    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"


class Language(Enum):
    """The languages of the interface."""

    CHINESE = "zh"
    ENGLISH = "en"


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"xverse-chat {xverse_chat.__version__}")
        raise typer.Exit(0)


def chat(
    model: Annotated[
        str | None,
        typer.Option(
            metavar="ID_OR_FOLDER",
            help=f"Model to talk to: an id such as {DEFAULT_MODEL_ID} (the default), a folder, "
            "or demo.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo",
            help="Talk to the small demo model that is part of this program.",
            rich_help_panel=MODEL,
        ),
    ] = False,
    quant: Annotated[
        Bits | None,
        typer.Option(
            help="Use weights of 4 or 8 bits: those that xverse-download --quant made, else the "
            "16-bit ones, quantized while loading.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    cache_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where xverse-download put the model.", rich_help_panel=MODEL
        ),
    ] = None,
    device: Annotated[
        str,
        typer.Option(metavar="auto|cpu|cuda[:N]", help="Where to compute.", rich_help_panel=MODEL),
    ] = "auto",
    dtype: Annotated[
        Dtype | None,
        typer.Option(
            help="Precision to compute in. Default: float16 on a GPU, float32 on a CPU.",
            rich_help_panel=MODEL,
            show_default=False,
        ),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Text put before the conversation.", rich_help_panel=ANSWER
        ),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(help="Above 0; lower is more predictable.", rich_help_panel=ANSWER),
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            help="Choose among the likeliest tokens that sum to this.", rich_help_panel=ANSWER
        ),
    ] = None,
    top_k: Annotated[
        int | None,
        typer.Option(
            help="Choose among this many likeliest tokens; 0: all.", rich_help_panel=ANSWER
        ),
    ] = None,
    repetition_penalty: Annotated[
        float | None,
        typer.Option(help="Above 1 avoids words already said.", rich_help_panel=ANSWER),
    ] = None,
    max_new_tokens: Annotated[
        int | None,
        typer.Option(help="Longest answer, in tokens.", rich_help_panel=ANSWER),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Same seed, same answer.", rich_help_panel=ANSWER),
    ] = None,
    greedy: Annotated[
        bool,
        typer.Option("--greedy", help="Always take the likeliest token.", rich_help_panel=ANSWER),
    ] = False,
    prompt: Annotated[
        str | None,
        typer.Option(
            "--prompt",
            "-p",
            metavar="TEXT",
            help="Answer this once, on stdout, and leave. Text piped in goes before it.",
            rich_help_panel=SCRIPTS,
        ),
    ] = None,
    messages: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='Answer a conversation, JSON: [{"role": "user", "content": "…"}].',
            rich_help_panel=SCRIPTS,
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Write the answer as one JSON object.", rich_help_panel=SCRIPTS
        ),
    ] = False,
    lang: Annotated[
        Language | None,
        typer.Option(
            help="Language of the interface. Default: the locale's.",
            rich_help_panel=SCREEN,
            show_default=False,
        ),
    ] = None,
    plain: Annotated[
        bool,
        typer.Option("--plain", help="No colour, no redrawing.", rich_help_panel=SCREEN),
    ] = False,
    screen_reader: Annotated[
        bool,
        typer.Option(
            "--screen-reader",
            help="Say in words what a reply shows by its form. ACCESSIBLE=1 means the same.",
            rich_help_panel=SCREEN,
        ),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            help="Show the version and leave.",
            rich_help_panel=SCREEN,
        ),
    ] = False,
) -> None:
    """Talk to XVERSE-7B-Chat in a terminal.

    Without options: a conversation. With -p, --messages or piped text: one answer on stdout.
    """
    use_utf8()
    bits = int(quant.value) if quant else None
    wanted_dtype = dtype.value if dtype else None
    with ending_well(as_json=as_json):
        overrides = _overrides(
            do_sample=False if greedy else None,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
            repetition_penalty=repetition_penalty,
            max_new_tokens=max_new_tokens,
            seed=seed,
        )
        source = find_source(model, demo=demo, cache_dir=cache_dir, quant=bits)
        loader = Loader(source, device=device, dtype=wanted_dtype, quant=bits)
        if prompt is not None or messages is not None or as_json or not sys.stdin.isatty():
            question = read_question(prompt=prompt, messages_file=messages, system=system)
            answer_once(loader, question, overrides=overrides, as_json=as_json)
        else:
            language = lang.value if lang else None
            raise SystemExit(
                converse(
                    loader,
                    overrides,
                    system=system,
                    language=language,
                    plain=plain,
                    screen_reader=screen_reader,
                )
            )


def _overrides(**options: Any) -> Mapping[str, Any]:
    """Return the options that were given, checked. Raises UsageError for impossible ones."""
    try:
        GenerationSettings().overridden(options)
    except ValueError as error:
        raise UsageError(f"Impossible option: {error}.", hint="See xverse-chat --help.") from error
    return {name: value for name, value in options.items() if value is not None}


def main() -> None:
    """Run the command line of ``xverse-chat``."""
    application = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    application.command()(chat)
    application(prog_name="xverse-chat")

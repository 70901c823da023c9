"""The options of ``xverse-chat`` alone, in the order of its help."""

from typing import Annotated

import typer

from xverse_chat.cli import values
from xverse_chat.cli.options import ANSWER, MEMORY, MODEL, SCREEN, SCRIPTS, quant_option
from xverse_chat.config import DEFAULT_MODEL_ID
from xverse_chat.wording import Sentence, say


def _number(meaning: Sentence) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        metavar="X", parser=values.number, help=meaning, rich_help_panel=ANSWER
    )
    return option


def _whole_number(meaning: Sentence) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        metavar="N", parser=values.whole_number, help=meaning, rich_help_panel=ANSWER
    )
    return option


Model = Annotated[
    str | None,
    typer.Option(
        metavar="ID_OR_FOLDER",
        help=say(
            "Model to talk to: an id such as {model} (the default), a folder, or demo.",
            model=DEFAULT_MODEL_ID,
        ),
        rich_help_panel=MODEL,
    ),
]
Demo = Annotated[
    bool,
    typer.Option(
        "--demo",
        allow_from_autoenv=False,
        help=say("Talk to the small demo model that is part of this program."),
        rich_help_panel=MODEL,
    ),
]
Quant = Annotated[
    values.Bits | None,
    quant_option(
        say(
            "Use weights of 4 or 8 bits: those that xverse-download --quant made, else the "
            "16-bit ones, quantized while loading."
        )
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="auto|cpu|cuda[:N]",
        help=say("Where to compute. Default: auto."),
        rich_help_panel=MODEL,
    ),
]
Dtype = Annotated[
    values.Dtype | None,
    typer.Option(
        parser=values.one_of(values.Dtype),
        help=say("Precision to compute in. Default: float16 on a GPU, float32 on a CPU."),
        rich_help_panel=MODEL,
    ),
]
System = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help=say("Text put before the conversation."),
        rich_help_panel=ANSWER,
    ),
]
Temperature = Annotated[float | None, _number(say("Above 0; lower is more predictable."))]
TopP = Annotated[float | None, _number(say("Choose among the likeliest tokens that sum to this."))]
TopK = Annotated[int | None, _whole_number(say("Choose among this many likeliest tokens; 0: all."))]
RepetitionPenalty = Annotated[float | None, _number(say("Above 1 avoids words already said."))]
MaxNewTokens = Annotated[int | None, _whole_number(say("Longest answer, in tokens."))]
Seed = Annotated[int | None, _whole_number(say("Same seed, same answer."))]
Greedy = Annotated[
    bool,
    typer.Option(
        "--greedy/--no-greedy",
        help=say("Always take the likeliest token."),
        rich_help_panel=ANSWER,
    ),
]
GoesOn = Annotated[
    bool,
    typer.Option(
        "--continue",
        allow_from_autoenv=False,
        help=say("Go on with the conversation talked in last."),
        rich_help_panel=MEMORY,
    ),
]
Session = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        allow_from_autoenv=False,
        help=say("Go on with the conversation of this name, or begin it."),
        rich_help_panel=MEMORY,
    ),
]
Save = Annotated[
    bool,
    typer.Option(
        "--save/--no-save",
        help=say("Save conversations on this machine. Default: they are saved."),
        rich_help_panel=MEMORY,
    ),
]
History = Annotated[
    bool,
    typer.Option(
        "--history/--no-history",
        help=say("Remember what is typed for the next time. Default: it is, unless --no-save."),
        rich_help_panel=MEMORY,
    ),
]
Prompt = Annotated[
    str | None,
    typer.Option(
        "--prompt",
        "-p",
        metavar="TEXT",
        allow_from_autoenv=False,
        help=say("Answer this once, on stdout, and leave. Text piped in goes before it."),
        rich_help_panel=SCRIPTS,
    ),
]
Files = Annotated[
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
]
Messages = Annotated[
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
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        allow_from_autoenv=False,
        help=say("Write the answer, or what went wrong, as one JSON object."),
        rich_help_panel=SCRIPTS,
    ),
]
Plain = Annotated[
    bool,
    typer.Option(
        "--plain/--no-plain",
        help=say("No colour, no redrawing."),
        rich_help_panel=SCREEN,
    ),
]
Stats = Annotated[
    bool,
    typer.Option(
        "--stats/--no-stats",
        help=say("Show what each answer took, below it. Default: it is shown."),
        rich_help_panel=SCREEN,
    ),
]
ScreenReader = Annotated[
    bool | None,
    typer.Option(
        "--screen-reader/--no-screen-reader",
        help=say(
            "For screen readers: whole paragraphs, forms told in words, nothing redrawn. "
            "ACCESSIBLE=1 does the same."
        ),
        rich_help_panel=SCREEN,
    ),
]

"""The options that both programs have."""

from pathlib import Path
from typing import Annotated

import typer

from xverse_chat.cli.leaving import (
    install_for_shell,
    show_completion,
    show_help,
    show_version,
)
from xverse_chat.cli.values import Bits, InterfaceLanguage, Shell, one_of
from xverse_chat.wording import say

MODEL, ANSWER, MEMORY = say("Model"), say("Answer"), say("Earlier conversations")
SCRIPTS = say("Scripts")
SCREEN, SETTINGS = say("Screen"), say("Settings and help")

CacheDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        envvar=["XVERSE_CHAT_CACHE_DIR", "XVERSE_CHAT_CACHE"],
        help=say(
            "Folder for models. Default: /root/autodl-tmp where that exists, else the user's "
            "cache folder."
        ),
        rich_help_panel=MODEL,
    ),
]
Lang = Annotated[
    InterfaceLanguage | None,
    typer.Option(
        parser=one_of(InterfaceLanguage),
        help=say("Language of the interface. Default: the locale's."),
        rich_help_panel=SCREEN,
    ),
]
Config = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        allow_from_autoenv=False,
        help=say("Read settings from this file instead of the user's own."),
        rich_help_panel=SETTINGS,
    ),
]
ShowConfig = Annotated[
    bool,
    typer.Option(
        "--show-config",
        allow_from_autoenv=False,
        help=say("Show every setting and where it comes from, and leave."),
        rich_help_panel=SETTINGS,
    ),
]
ShowCompletion = Annotated[
    Shell | None,
    typer.Option(
        parser=one_of(Shell),
        allow_from_autoenv=False,
        callback=show_completion,
        is_eager=True,
        help=say("Print what makes this shell complete the options, and leave."),
        rich_help_panel=SETTINGS,
    ),
]
InstallCompletion = Annotated[
    Shell | None,
    typer.Option(
        parser=one_of(Shell),
        allow_from_autoenv=False,
        callback=install_for_shell,
        is_eager=True,
        help=say("Have this shell complete the options from now on, and leave."),
        rich_help_panel=SETTINGS,
    ),
]
Version = Annotated[
    bool,
    typer.Option(
        "--version",
        allow_from_autoenv=False,
        callback=show_version,
        is_eager=True,
        help=say("Show the version and leave."),
        rich_help_panel=SETTINGS,
    ),
]
Help = Annotated[
    bool,
    typer.Option(
        "--help",
        "-h",
        allow_from_autoenv=False,
        callback=show_help,
        is_eager=True,
        help=say("Show this page and leave."),
        rich_help_panel=SETTINGS,
    ),
]


def quant_option(meaning: str) -> typer.models.OptionInfo:
    """Return ``--quant``, which takes the same values in both programs and means two things."""
    option: typer.models.OptionInfo = typer.Option(
        parser=one_of(Bits), help=meaning, rich_help_panel=MODEL
    )
    return option

"""``xverse-download``: its options, and the one line it prints, the path of the model folder."""

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xverse_chat.cli.interruption import leaving_soon
from xverse_chat.cli.options import (
    MODEL,
    SCRIPTS,
    CacheDir,
    Config,
    Help,
    Lang,
    ShowConfig,
    Version,
    quant_option,
)
from xverse_chat.cli.outcome import write_json, write_note
from xverse_chat.cli.program import run_program
from xverse_chat.cli.start import Program, Start
from xverse_chat.cli.values import Bits
from xverse_chat.config import DEFAULT_MODEL_ID, DEFAULT_REVISION, check_model_id, find_cache_dir
from xverse_chat.terminal.texts import Texts
from xverse_chat.wording import say

if TYPE_CHECKING:
    from xverse_chat.hub.quantize import Quantizer


def download(
    context: typer.Context,
    model: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help=say("Model on ModelScope, OWNER/NAME. Default: {model}.", model=DEFAULT_MODEL_ID),
            rich_help_panel=MODEL,
        ),
    ] = DEFAULT_MODEL_ID,
    cache_dir: CacheDir = None,
    revision: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            allow_from_autoenv=False,
            help=say(
                "Branch, tag or commit of the model. Default: {revision}.",
                revision=DEFAULT_REVISION,
            ),
            rich_help_panel=MODEL,
        ),
    ] = DEFAULT_REVISION,
    quant: Annotated[
        Bits | None,
        quant_option(
            say(
                "Make a folder of 4- or 8-bit weights. The 16-bit weights are downloaded for it "
                "and then deleted, unless they were there before."
            )
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            allow_from_autoenv=False,
            help=say("Hash every file again and repair what is damaged."),
            rich_help_panel=MODEL,
        ),
    ] = False,
    keep_original: Annotated[
        bool,
        typer.Option(
            "--keep-original",
            allow_from_autoenv=False,
            help=say(
                "Keep the downloaded .bin files after conversion, with --quant the 16-bit "
                "weights too."
            ),
            rich_help_panel=MODEL,
        ),
    ] = False,
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar=["XVERSE_CHAT_ENDPOINT", "MODELSCOPE_ENDPOINT"],
            help=say("Another ModelScope server than modelscope.cn."),
            rich_help_panel=MODEL,
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            allow_from_autoenv=False,
            help=say("Write the folder, or what went wrong, as one JSON object."),
            rich_help_panel=SCRIPTS,
        ),
    ] = False,
    lang: Lang = None,
    config: Config = None,
    show_config: ShowConfig = False,
    version: Version = False,
    help_: Help = False,
) -> None:
    """Download a model and print its folder."""
    start: Start = context.obj
    check_model_id(model)
    folder = download_showing_progress(
        model,
        cache_dir=find_cache_dir(cache_dir),
        texts=start.texts,
        bits=int(quant.value) if quant else None,
        revision=revision,
        endpoint=endpoint,
        keep_original=keep_original,
        verify=verify,
    )
    if as_json:
        write_json({"folder": str(folder)})
    else:
        sys.stdout.write(f"{folder}\n")


def download_showing_progress(
    model_id: str,
    *,
    cache_dir: Path,
    texts: Texts,
    bits: int | None = None,
    revision: str = DEFAULT_REVISION,
    endpoint: str | None = None,
    keep_original: bool = False,
    verify: bool = False,
    plain: bool = False,
) -> Path:
    """Download with bars on a terminal, with plain lines elsewhere; return the model folder.

    Ctrl-C says that what arrived is kept, and ends it, if need be with the process.
    """
    from xverse_chat.hub.download import download_model
    from xverse_chat.hub.download_quantized import download_quantized
    from xverse_chat.terminal.progress import open_progress

    progress = open_progress(texts, plain=plain)
    options: dict[str, Any] = {
        "cache_dir": cache_dir,
        "revision": revision,
        "endpoint": endpoint,
        "keep_original": keep_original,
        "verify": verify,
        "progress": progress,
    }
    is_told = threading.Lock()

    def tell() -> None:
        if is_told.acquire(blocking=False):
            write_note(
                say("Interrupted. What arrived is kept: run the same command again to go on."),
                texts,
            )

    def leave() -> None:
        progress.close()
        tell()

    with leaving_soon(leave):
        try:
            with progress:
                if bits is None:
                    return download_model(model_id, **options)
                return download_quantized(
                    model_id, bits=bits, quantizer=_quantizer(bits), **options
                )
        except KeyboardInterrupt:
            tell()
            raise


def _quantizer(bits: int) -> "Quantizer":
    """Return what quantizes one weight; torch is loaded when it is first called."""

    def quantize(*weight: Any) -> Any:
        from xverse_chat.engine.packing import quantized_parts

        return quantized_parts(*weight, bits=bits)

    return quantize


def main() -> None:
    """Run the command line of ``xverse-download``."""
    run_program(
        Program(
            name="xverse-download",
            run=download,
            usage=say("Usage: xverse-download [OPTIONS] [ID]"),
            intro=(
                say("Download an XVERSE chat model, verify it and convert it into a model folder."),
                say(
                    "Run again after an interruption: it goes on where it stopped. Prints the "
                    "folder's path."
                ),
            ),
            stray_hint=say("One model is downloaded at a time: OWNER/NAME."),
        )
    )

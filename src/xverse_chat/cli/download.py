"""``xverse-download``: its options, and the one line it prints, the path of the model folder."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xverse_chat.cli.bits import Bits
from xverse_chat.cli.outcome import ending_well, use_utf8
from xverse_chat.config import DEFAULT_MODEL_ID, DEFAULT_REVISION, check_model_id, find_cache_dir
from xverse_chat.terminal.texts import TEXTS, choose_language

if TYPE_CHECKING:
    from xverse_chat.hub.quantize import Quantizer


def download(
    model: Annotated[
        str, typer.Argument(metavar="ID", help="Model on ModelScope, OWNER/NAME.")
    ] = DEFAULT_MODEL_ID,
    cache_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where to put it. Default: XVERSE_CHAT_CACHE, else /root/autodl-tmp where that "
            "exists, else the user's cache folder.",
            show_default=False,
        ),
    ] = None,
    revision: Annotated[
        str, typer.Option(help="Branch, tag or commit of the model.")
    ] = DEFAULT_REVISION,
    quant: Annotated[
        Bits | None,
        typer.Option(
            help="Make a folder of 4- or 8-bit weights. The 16-bit weights are downloaded for it "
            "and then deleted, unless they were there before.",
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Hash every file again and repair what is damaged."),
    ] = False,
    keep_original: Annotated[
        bool,
        typer.Option(
            "--keep-original",
            help="Keep the downloaded .bin files after conversion, with --quant the 16-bit "
            "weights too.",
        ),
    ] = False,
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Another ModelScope server; MODELSCOPE_ENDPOINT does the same."
        ),
    ] = None,
) -> None:
    """Download an XVERSE chat model, verify it and convert it into a model folder.

    Run again after an interruption: it goes on where it stopped. Prints the folder's path.
    """
    use_utf8()
    with ending_well():
        check_model_id(model)
        try:
            folder = download_showing_progress(
                model,
                cache_dir=find_cache_dir(cache_dir),
                bits=int(quant.value) if quant else None,
                revision=revision,
                endpoint=endpoint,
                keep_original=keep_original,
                verify=verify,
            )
        except KeyboardInterrupt:
            sys.stderr.write(
                "Interrupted. What arrived is kept: run the same command again to go on.\n"
            )
            raise
        sys.stdout.write(f"{folder}\n")


def download_showing_progress(
    model_id: str,
    *,
    cache_dir: Path,
    bits: int | None = None,
    revision: str = DEFAULT_REVISION,
    endpoint: str | None = None,
    keep_original: bool = False,
    verify: bool = False,
) -> Path:
    """Download with bars on a terminal, with plain lines elsewhere; return the model folder."""
    from xverse_chat.hub.download import download_model
    from xverse_chat.hub.download_quantized import download_quantized
    from xverse_chat.terminal.progress import open_progress

    texts = TEXTS[choose_language(None, os.environ)]
    with open_progress(texts) as progress:
        options: dict[str, Any] = {
            "cache_dir": cache_dir,
            "revision": revision,
            "endpoint": endpoint,
            "keep_original": keep_original,
            "verify": verify,
            "progress": progress,
        }
        if bits is None:
            return download_model(model_id, **options)
        return download_quantized(model_id, bits=bits, quantizer=_quantizer(bits), **options)


def _quantizer(bits: int) -> "Quantizer":
    """Return what quantizes one weight; torch is loaded when it is first called."""

    def quantize(*weight: Any) -> Any:
        from xverse_chat.engine.packing import quantized_parts

        return quantized_parts(*weight, bits=bits)

    return quantize


def main() -> None:
    """Run the command line of ``xverse-download``."""
    application = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    application.command()(download)
    application(prog_name="xverse-download")

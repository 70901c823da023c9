"""The conversation in a terminal: wires session, model and screen together."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from xverse_chat.chat.backend import ModelDescription
from xverse_chat.chat.clean import clean_text
from xverse_chat.cli.loader import Loader
from xverse_chat.cli.question import Inquiry, read_attachments
from xverse_chat.cli.remembrance import Remembrance
from xverse_chat.cli.source import find_source
from xverse_chat.config import (
    DEFAULT_MODEL_ID,
    DEMO_MODEL_ID,
    conversations_folder,
    input_history_path,
)
from xverse_chat.terminal.current_texts import CurrentTexts
from xverse_chat.terminal.texts import Texts

# All shards and the tokenizer of the default model, as its server lists them.
DEFAULT_MODEL_BYTES = 14_600_000_000


def converse(
    loader: Loader,
    overrides: Mapping[str, Any],
    *,
    inquiry: Inquiry,
    remembrance: Remembrance,
    texts: CurrentTexts,
    plain: bool,
    screen_reader: bool = False,
    shows_statistics: bool = True,
) -> int:
    """Talk until the user leaves, which ends the process; return 0 where nobody wants to talk.

    Offers the download or the demo when the default model is not there.
    """
    from xverse_chat.chat.keeper import Keeper
    from xverse_chat.chat.store import Store
    from xverse_chat.terminal.history_file import HistoryFile
    from xverse_chat.terminal.recall import Recall
    from xverse_chat.terminal.repl import run_conversation

    attachments = read_attachments(inquiry.files)
    if _can_offer(loader):
        chosen = _offer(loader, texts, plain=plain)
        if chosen is None:
            return 0
        loader = chosen
    loader.check()
    store = Store(conversations_folder())
    run_conversation(
        loader.load,
        _expected(loader),
        keeper=Keeper(store, model_id=loader.source.model_id, saves=remembrance.saves),
        wanted=Recall(goes_on=remembrance.goes_on, name=remembrance.name),
        overrides=overrides,
        system=clean_text(inquiry.system) if inquiry.system else None,
        attachments=attachments,
        texts=texts,
        plain=plain,
        screen_reader=screen_reader,
        history=HistoryFile(input_history_path()) if remembrance.keeps_history else None,
        shows_statistics=shows_statistics,
    )


def _can_offer(loader: Loader) -> bool:
    source = loader.source
    is_default = source.is_downloadable and source.model_id == DEFAULT_MODEL_ID
    is_here = source.is_there or source.other_bits
    return is_default and not is_here and sys.stdout.isatty()


def _offer(loader: Loader, texts: Texts, *, plain: bool) -> Loader | None:
    """Return the loader of what the user chose, downloaded first where need be."""
    from xverse_chat.cli.download import download_showing_progress
    from xverse_chat.terminal.offer import Choice, offer_model

    source = loader.source
    choice = offer_model(
        source.model_id, size_bytes=DEFAULT_MODEL_BYTES, folder=source.folder, texts=texts
    )
    if choice is Choice.LEAVE:
        return None
    if choice is Choice.DEMO:
        return replace(loader, source=find_source(DEMO_MODEL_ID, demo=True, cache_dir=None))
    download_showing_progress(source.model_id, cache_dir=source.cache_dir, texts=texts, plain=plain)
    return loader


def _expected(loader: Loader) -> ModelDescription:
    """Return what can be known of the model before torch is there."""
    from xverse_chat.engine.memory import find_gpu, precision_name, resolve_device

    device = resolve_device(loader.device)
    precision = precision_name(device, loader.dtype, loader.bits)
    gpu = None if device == "cpu" else find_gpu(int(device.partition(":")[2]))
    if gpu is not None:
        device = f"{device} ({gpu.name})"
    return ModelDescription(loader.source.model_id, precision, device, 0, loader.source.folder)

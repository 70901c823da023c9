"""From a model id to a quantized model folder, by way of the folder of the 16-bit weights."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from xverse_chat.checkpoint.record import has_record
from xverse_chat.config import DEFAULT_REVISION, model_folder_path
from xverse_chat.hub.convert import refuse_foreign
from xverse_chat.hub.download import bring_model
from xverse_chat.hub.existing import Existing, find_existing, intact_shards, looks_complete
from xverse_chat.hub.lock import folder_lock
from xverse_chat.hub.order import Order
from xverse_chat.hub.quantize import Quantizer, finish_quantized, quantize_shards, source_shards
from xverse_chat.hub.staging import Staging
from xverse_chat.hub.writing import make_folder, writing
from xverse_chat.progress import Progress
from xverse_chat.wording import say

# What a quantized folder takes of the size of the 16-bit weights, and a little more: known before
# they are here. 7B takes 0.33 and 0.53.
_SHARES = {4: 0.36, 8: 0.56}


@dataclass(frozen=True, slots=True)
class _QuantizedOrder:
    """The folder wanted, and the order of the 16-bit weights it is made of."""

    plain: Order
    bits: int
    quantizer: Quantizer
    verify: bool

    @property
    def staging(self) -> Staging:
        plain = self.plain
        target = model_folder_path(plain.cache_dir, plain.model_id, self.bits)
        return Staging(target, plain.model_id, plain.revision)


def download_quantized(
    model_id: str,
    *,
    bits: int,
    quantizer: Quantizer,
    cache_dir: Path,
    revision: str = DEFAULT_REVISION,
    endpoint: str | None = None,
    keep_original: bool = False,
    verify: bool = False,
    progress: Progress,
) -> Path:
    """Make the folder of a model in 4 or 8 bits and return it, complete.

    It is made of the folder of the 16-bit weights. Where that is not there it is downloaded and
    converted first, and deleted at the end unless ``keep_original``. Otherwise as
    ``download_model``: at once when complete, resumed when interrupted, ``verify`` hashes it and
    makes again what is damaged, with the same errors.
    """
    plain = Order(
        model_id, revision, cache_dir, endpoint, keep_original, False, progress, _SHARES[bits]
    )
    order = _QuantizedOrder(plain, bits, quantizer, verify)
    staging = order.staging
    is_complete = looks_complete(staging.target, model_id, revision)
    is_clean = not staging.has_leftovers and not plain.passing_mark.exists()
    if verify or not is_complete or not is_clean:
        with folder_lock(staging.target, progress):
            _end_stopped_run(staging)
            existing = find_existing(
                staging.target, model_id, revision, hash_all=verify, progress=progress
            )
            if existing is None or existing.damaged:
                _make(order, existing)
            _end_passing(plain)
    return staging.target


def _end_stopped_run(staging: Staging) -> None:
    """Do the last steps of an earlier run that was stopped when its folder was finished."""
    if looks_complete(staging.model, staging.source_id, staging.revision):
        staging.publish()
    elif (
        looks_complete(staging.target, staging.source_id, staging.revision)
        and staging.has_leftovers
    ):
        staging.clean_up()


def _make(order: _QuantizedOrder, existing: Existing | None) -> None:
    staging, progress = order.staging, order.plain.progress
    if existing is None and not (order.verify and has_record(staging.target)):
        refuse_foreign(staging.target)
    if existing is not None:
        progress.note(existing.damage_text())
    _mark_passing(order.plain)
    source = bring_model(order.plain)
    wanted = source_shards(source)
    staging.open()
    if existing is not None:
        staging.adopt(intact_shards(existing, wanted))
    staging.forget_stale(wanted.all)
    quantize_shards(source, staging, bits=order.bits, quantizer=order.quantizer, progress=progress)
    finish_quantized(source, staging, bits=order.bits)
    staging.publish()


def _mark_passing(plain: Order) -> None:
    """Note that the 16-bit folder is made for this alone, and say so, unless it is there."""
    if has_record(plain.target) and not plain.passing_mark.exists():
        return
    make_folder(plain.target.parent)
    with writing(plain.passing_mark):
        plain.passing_mark.touch()
    plain.progress.note(
        say("The 16-bit weights come first and are quantized here; they are kept.")
        if plain.keep_original
        else say("The 16-bit weights come first and are quantized here; then they are deleted.")
    )


def _end_passing(plain: Order) -> None:
    """Delete a 16-bit folder that was only a step on the way."""
    if not plain.passing_mark.exists():
        return
    with folder_lock(plain.target, plain.progress), writing(plain.target):
        old = plain.staging.old
        if has_record(plain.target) and not plain.keep_original:
            plain.target.rename(old)  # gone at once, whatever happens meanwhile
        if old.exists():
            shutil.rmtree(old)
        plain.passing_mark.unlink(missing_ok=True)

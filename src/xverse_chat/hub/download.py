"""From a model id to a model folder: the whole way, and where it may be picked up again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xverse_chat.checkpoint.json_file import REPAIR_HINT
from xverse_chat.checkpoint.record import has_record
from xverse_chat.config import DEFAULT_REVISION
from xverse_chat.errors import DataError
from xverse_chat.hub.convert import convert_shards, finish_folder, refuse_foreign
from xverse_chat.hub.existing import Existing, find_existing, intact_shards, looks_complete
from xverse_chat.hub.folder_files import CONVERTER
from xverse_chat.hub.gather import fetch_missing, find_missing, list_wanted
from xverse_chat.hub.licence import xverse_licence
from xverse_chat.hub.lock import folder_lock
from xverse_chat.hub.order import Order
from xverse_chat.hub.writing import writing
from xverse_chat.progress import Progress
from xverse_chat.wording import say

_SERVER_HINT = say(
    "The file is as the server lists it, so downloading it again will not help. Try another "
    "--revision or --endpoint."
)


def download_model(
    model_id: str,
    *,
    cache_dir: Path,
    revision: str = DEFAULT_REVISION,
    endpoint: str | None = None,
    keep_original: bool = False,
    verify: bool = False,
    progress: Progress,
) -> Path:
    """Download, verify and convert a model; return its model folder, complete.

    A folder that is complete already is returned at once, without the network; ``verify`` hashes
    it first, and only what is damaged is made again. After an interruption it goes on where it
    stopped. Raises any of UsageError, DataError, UnavailableError, CannotCreateError, DiskError,
    TransferError.
    """
    order = Order(model_id, revision, cache_dir, endpoint, keep_original, verify, progress)
    if order.passing_mark.exists():  # made on the way to a quantized folder; now it is to stay
        with writing(order.passing_mark):
            order.passing_mark.unlink(missing_ok=True)
    return bring_model(order)


def bring_model(order: Order) -> Path:
    """Do what ``download_model`` does, as ordered."""
    is_complete = looks_complete(order.target, order.model_id, order.revision)
    if order.verify or not is_complete or order.staging.has_leftovers:
        with folder_lock(order.target, order.progress):
            _end_stopped_run(order)
            existing = find_existing(
                order.target,
                order.model_id,
                order.revision,
                hash_all=order.verify,
                progress=order.progress,
            )
            if existing is None or existing.damaged:
                _make(order, existing)
    if order.keep_original and not order.staging.original.exists():
        order.progress.note(
            say("The original files are not here: this model was converted without them.")
        )
    return order.target


def _end_stopped_run(order: Order) -> None:
    """Do the last steps of an earlier run that was stopped when its folder was finished."""
    staging = order.staging
    if looks_complete(staging.model, order.model_id, order.revision):
        _keep_original(order)
        staging.publish()
    elif looks_complete(order.target, order.model_id, order.revision) and staging.has_leftovers:
        staging.clean_up()


def _make(order: Order, existing: Existing | None) -> None:
    """Make the model folder, of what is there already and what the server has."""
    if existing is None and not (order.verify and has_record(order.target)):
        refuse_foreign(order.target)
    source = list_wanted(order)
    staging = order.staging
    staging.open()
    if existing is not None:
        order.progress.note(existing.damage_text())
        staging.adopt(intact_shards(existing, source.wanted))
    staging.forget_stale(source.wanted.all)
    missing = find_missing(order, source.wanted, staging)
    licence = xverse_licence(order.model_id, order.revision, CONVERTER)
    order.progress.note(licence.summary)
    with _telling_whose_fault():
        description = fetch_missing(order, source, missing, staging)
        convert_shards(
            description,
            staging.upstream,
            staging,
            frees=not order.keep_original,
            progress=order.progress,
        )
        finish_folder(description, staging.upstream, staging, licence)
    _keep_original(order)
    staging.publish()


@contextmanager
def _telling_whose_fault() -> Iterator[None]:
    """Take the advice to repair back: files that are bad here are as the server has them."""
    try:
        yield
    except DataError as error:
        if error.hint != REPAIR_HINT:
            raise
        raise DataError(error.message, hint=_SERVER_HINT) from error


def _keep_original(order: Order) -> None:
    if order.keep_original and (kept := order.staging.keep_original()) is not None:
        order.progress.note(say("The original files are kept in {kept}.", kept=kept))

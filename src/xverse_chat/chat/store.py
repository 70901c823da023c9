"""The folder of saved conversations: list, find, open. Standard library only."""

import errno
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from xverse_chat import __version__
from xverse_chat.chat.clock import now
from xverse_chat.chat.disk import Disk, read_all
from xverse_chat.chat.journal import LOG_SUFFIX, Journal, log_path
from xverse_chat.chat.listing import Row, peek
from xverse_chat.chat.log import MAX_LOG_BYTES, Header, Log, parse_log
from xverse_chat.chat.order import Order
from xverse_chat.chat.session import Session
from xverse_chat.chat.title import one_line
from xverse_chat.errors import DataError, DiskError, UsageError
from xverse_chat.wording import say, system_reason

# What Disk.open says of a link, a folder, a pipe and a device.
_NO_PLAIN_FILE = {errno.ELOOP, errno.EINVAL, errno.EISDIR, errno.ENXIO}
_IDENTITY = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Opened:
    """A saved conversation to go on with.

    ``is_copy`` when another program has it open: what is said here goes into a copy of it.
    ``was_torn`` when its last line was never finished, and is left out.
    """

    session: Session
    journal: Journal
    header: Header
    is_copy: bool
    was_torn: bool


class Store:
    """The conversations in one folder, which need not exist. Raises DiskError when it is broken."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self.folder = folder
        self._disk = disk if disk is not None else Disk()
        self._order = Order(folder, self._disk)

    def begin(self, model_id: str) -> Journal:
        """Return what saves a new conversation. Nothing is written before something is said."""
        return Journal(
            self.folder, self._disk, lambda: _new_header(model_id), self._order.put_first
        )

    def open(self, identity: str, *, model_id: str) -> Opened:
        """Open a conversation to go on with it; ``model_id`` is the one it goes on with.

        Raises DataError, and leaves the file alone, where it cannot be read: damaged, larger than
        64 MiB, a link or device, written by a newer version.
        """
        path = self._path(identity)
        try:
            descriptor = self._disk.open(path, to_write=True)
            try:
                is_ours = self._disk.lock(descriptor)
                log, session = _understand(path, self._read(path, descriptor))
            except (OSError, DataError):
                self._disk.close(descriptor)
                raise
        except OSError as error:
            raise _cannot_read(path, error) from error
        journal = self.begin(model_id)
        if is_ours:
            journal.resume(descriptor, log)
        else:
            with suppress(OSError):
                self._disk.close(descriptor)
        # The other program may be in the middle of a line: that is nothing to tell of.
        return Opened(session, journal, log.header, not is_ours, log.is_torn and is_ours)

    def read(self, identity: str) -> Session:
        """Return a conversation to look at. Raises DataError where it cannot be read."""
        return _understand(self._path(identity), self.content(identity))[1]

    def content(self, identity: str) -> bytes:
        """Return the bytes of a conversation. Raises DataError where they cannot be read."""
        path = self._path(identity)
        try:
            descriptor = self._disk.open(path, to_write=False)
            try:
                return self._read(path, descriptor)
            finally:
                self._disk.close(descriptor)
        except OSError as error:
            raise _cannot_read(path, error) from error

    def identities(self) -> list[str]:
        """Return every conversation, the one talked in last first."""
        try:
            names = self._disk.names(self.folder)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise DiskError(
                say(
                    "{path} cannot be read: {reason}.",
                    path=self.folder,
                    reason=system_reason(error),
                )
            ) from error
        stems = (name.removesuffix(LOG_SUFFIX) for name in names if name.endswith(LOG_SUFFIX))
        return self._order.sorted(filter(_IDENTITY.fullmatch, stems))

    def rows(self) -> Iterator[Row]:
        """Yield what a list shows of every conversation, the one talked in last first.

        Files that no list can tell anything of are left out.
        """
        for identity in self.identities():
            try:
                row = peek(identity, self.content(identity))
            except DataError:
                continue
            if row is not None:
                yield row

    def latest(self) -> str | None:
        """Return the conversation talked in last; None where there is none."""
        return next(iter(self.identities()), None)

    def named(self, name: str) -> str | None:
        """Return the conversation of this very name or identity; None where there is none.

        Of several with the same title it is the one talked in last.
        """
        wanted = one_line(name)
        return next(
            (row.identity for row in self.rows() if wanted in (row.identity, row.title)), None
        )

    def find(self, name: str) -> str | None:
        """Return the conversation of this name or identity, else the only one that begins so.

        None where there is none; raises UsageError where the beginning is that of several.
        """
        wanted = one_line(name)
        if not wanted:
            return None
        if (identity := self.named(wanted)) is not None:
            return identity
        near: dict[str, str] = {}
        for row in self.rows():
            begins = (row.identity.startswith(wanted), _begins(row.title, wanted))
            if any(begins):
                near[row.identity] = row.title
        if len(near) > 1:
            some = ", ".join(f"{title} ({identity})" for identity, title in list(near.items())[:5])
            raise UsageError(
                say(
                    "{count} conversations begin with {wanted!r}: {some}.",
                    count=len(near),
                    wanted=wanted,
                    some=some,
                ),
                hint=say("Type more of the name."),
            )
        return next(iter(near), None)

    def _read(self, path: Path, descriptor: int) -> bytes:
        """Read an open file whole, unless it is huge, which is told before it is read."""
        size = self._disk.status(descriptor).st_size
        if size <= MAX_LOG_BYTES:
            content = read_all(self._disk, descriptor, most_bytes=MAX_LOG_BYTES + 1)
            size = len(content)  # it may have grown
        if size > MAX_LOG_BYTES:
            raise DataError(
                say(
                    "{path} is larger than {limit} MiB, too large for a conversation.",
                    path=path,
                    limit=MAX_LOG_BYTES // 2**20,
                ),
                hint=say("It was left as it is."),
            )
        return content

    def _path(self, identity: str) -> Path:
        if not _IDENTITY.fullmatch(identity):
            raise DataError(
                say("{identity!r} is not the name of a file of a conversation.", identity=identity)
            )
        return log_path(self.folder, identity)


def _understand(path: Path, content: bytes) -> tuple[Log, Session]:
    try:
        log = parse_log(content)
        return log, Session.replay(log.events)
    except DataError as error:
        raise DataError(
            say("{path} cannot be read: {reason}.", path=path, reason=error.message),
            hint=error.hint
            or say("It was left as it is. xverse-chat without --continue begins anew."),
        ) from error


def _cannot_read(path: Path, error: OSError) -> DataError:
    if error.errno in _NO_PLAIN_FILE:
        fault = say("it is no plain file")
        return DataError(
            say("{path} cannot be read: {reason}.", path=path, reason=fault),
            hint=say("It was left as it is."),
        )
    return DataError(
        say("{path} cannot be read: {reason}.", path=path, reason=system_reason(error)),
        hint=say("It was left as it is."),
    )


def _new_header(model_id: str) -> Header:
    time = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return Header(f"{time}-{secrets.token_hex(4)}", now(), model_id, __version__)


def _begins(title: str, wanted: str) -> bool:
    return title.casefold().startswith(wanted.casefold())

"""A ModelScope server on the loopback interface: the real routes over real HTTP, and faults.

``with ModelScopeServer(folder, "owner/name") as server`` serves a folder as that model.
``python -m tests.hub.modelscope_server FOLDER --model-id ID`` does so until it is stopped, and
prints its address as its only line.
"""

import argparse
import hashlib
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.hub.modelscope_routes import Handler

FOR_EVER = 2**31

Entry = dict[str, Any]


@dataclass
class Fault:
    """What goes wrong with one file, the next ``times`` times that its body is asked for."""

    times: int = FOR_EVER
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut_after_bytes: int | None = None
    stall_s: float = 0.0
    corrupt_at: int | None = None
    body: bytes | None = None


@dataclass
class ModelScopeServer:
    """Serves ``folder``. The fields may be changed at any time, from any thread."""

    folder: Path
    model_id: str = "xverse/XVERSE-7B-Chat"
    revision: str = "master"
    faults: dict[str, Fault] = field(default_factory=dict)
    """By path in the folder; the key ``*`` stands for every file."""
    edit_listing: Callable[[list[Entry]], list[Entry]] = lambda entries: entries
    listing_status: int = 200
    ignores_range: bool = False
    bytes_per_second: float | None = None

    def __post_init__(self) -> None:
        self.listings = 0
        self.bodies: Counter[str] = Counter()
        self.ranges: list[tuple[str, str]] = []
        self.sent_bytes: Counter[str] = Counter()
        self.requested_paths: list[str] = []
        self.lock = threading.Lock()
        self._hashes: dict[tuple[str, int, int], str] = {}
        self._http = _Http(("127.0.0.1", 0), Handler)
        self._http.modelscope = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> "ModelScopeServer":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    def wait(self) -> None:
        """Serve until the thread ends, which it does when the process is interrupted."""
        self._thread.join()

    def forget(self) -> None:
        """Set the counters back to zero."""
        with self.lock:
            self.listings = 0
            for counter in (self.bodies, self.sent_bytes):
                counter.clear()
            self.ranges.clear()
            self.requested_paths.clear()

    @property
    def body_count(self) -> int:
        return sum(self.bodies.values())

    def entries(self) -> list[Entry]:
        """Return the listing: every file of the folder with size and sha256."""
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file())
        with ThreadPoolExecutor() as pool:
            hashes = list(pool.map(self._sha256, paths))
        listed = [
            {
                "Name": path.name,
                "Path": path.relative_to(self.folder).as_posix(),
                "Type": "blob",
                "Size": path.stat().st_size,
                "Sha256": sha256,
            }
            for path, sha256 in zip(paths, hashes, strict=True)
        ]
        return self.edit_listing(listed)

    def take_fault(self, path: str) -> Fault:
        """Return the fault that the next body of ``path`` has, and count it."""
        with self.lock:
            fault = self.faults.get(path) or self.faults.get("*")
            if fault is None or fault.times <= 0:
                return Fault()
            fault.times -= 1
            return fault

    def _sha256(self, path: Path) -> str:
        status = path.stat()
        key = (str(path), status.st_size, status.st_mtime_ns)
        if key not in self._hashes:
            with path.open("rb") as file:
                self._hashes[key] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._hashes[key]


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent about clients that are gone: tests kill them."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a folder as a model of ModelScope.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model-id", default="xverse/XVERSE-7B-Chat")
    parser.add_argument("--revision", default="master")
    options = parser.parse_args()
    with ModelScopeServer(options.folder, options.model_id, options.revision) as server:
        print(server.url, flush=True)  # noqa: T201
        server.wait()


if __name__ == "__main__":
    main()

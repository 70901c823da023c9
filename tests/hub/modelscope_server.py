"""A ModelScope server on the loopback interface: the real routes over real HTTP, and faults.

``with ModelScopeServer(folder, "owner/name") as server`` serves a folder as that model.
``python -m tests.hub.modelscope_server FOLDER --model-id ID`` does so until it is stopped, and
prints its address as its only line.
"""

import argparse
import hashlib
import json
import os
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

BLOCK_BYTES = 4 * 2**20
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
        self._http = _Http(("127.0.0.1", 0), _Handler)
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


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def modelscope(self) -> ModelScopeServer:
        served: ModelScopeServer = self.server.modelscope  # type: ignore[attr-defined]
        return served

    def do_GET(self) -> None:
        try:
            self._answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:
        """Stay silent."""

    def _answer(self) -> None:
        served, address = self.modelscope, urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        with served.lock:
            served.requested_paths.append(address.path)
        model = f"/api/v1/models/{served.model_id}/repo"
        if address.path == "/api/v1/repos/internalAccelerationInfo":
            self._send_json({"Data": {}})
        elif query.get("Revision") != served.revision:
            self._send_json({"Code": 404, "Success": False, "Message": "not found"}, 404)
        elif address.path == f"{model}/files":
            self._send_listing()
        elif address.path == model and "FilePath" in query:
            self._send_file(query["FilePath"])
        else:
            self._send_json({"Code": 404, "Success": False, "Message": "not found"}, 404)

    def _send_listing(self) -> None:
        served = self.modelscope
        with served.lock:
            served.listings += 1
        if served.listing_status != 200:
            return self._send_json({"Success": False}, served.listing_status)
        data = {"Code": 200, "Success": True, "Data": {"Files": served.entries()}}
        return self._send_json(data)

    def _send_file(self, path: str) -> None:
        served = self.modelscope
        with served.lock:
            served.bodies[path] += 1
        fault = served.take_fault(path)
        wanted = (served.folder / path).resolve()
        if fault.status is not None:
            return self._send_json({"Success": False}, fault.status, fault.headers)
        if fault.body is not None:
            return self._send_bytes(fault.body)
        if not wanted.is_relative_to(served.folder.resolve()) or not wanted.is_file():
            return self._send_json({"Code": 404, "Success": False}, 404)
        return self._send_body(wanted, path, fault)

    def _send_body(self, file: Path, path: str, fault: Fault) -> None:
        size = file.stat().st_size
        start, end = 0, size
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if asked is not None:
            with self.modelscope.lock:
                self.modelscope.ranges.append((path, asked[0]))
        if asked is not None and not self.modelscope.ignores_range:
            start, end = int(asked[1]), int(asked[2] or size - 1) + 1
            if start >= size:
                return self._send_json({}, 416, {"Content-Range": f"bytes */{size}"})
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        else:
            self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        self.wfile.flush()
        if fault.cut_after_bytes is not None:
            end = min(end, start + fault.cut_after_bytes)
            self.close_connection = True
        return self._send_range(file, path, start, end, fault)

    def _send_range(self, file: Path, path: str, start: int, end: int, fault: Fault) -> None:
        rate = self.modelscope.bytes_per_second
        block_bytes = BLOCK_BYTES if rate is None else max(1, int(rate / 20))
        descriptor = os.open(file, os.O_RDONLY)
        try:
            while start < end:
                count = min(block_bytes, end - start)
                if fault.corrupt_at is not None and start <= fault.corrupt_at < start + count:
                    block = bytearray(os.pread(descriptor, count, start))
                    block[fault.corrupt_at - start] ^= 0x55
                    self.wfile.write(block)
                    sent = count
                else:
                    sent = os.sendfile(self.connection.fileno(), descriptor, start, count)
                start += sent
                with self.modelscope.lock:
                    self.modelscope.sent_bytes[path] += sent
                if rate is not None:
                    time.sleep(sent / rate)
        finally:
            os.close(descriptor)
        if fault.stall_s:
            time.sleep(fault.stall_s)

    def _send_json(
        self, data: object, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self._send_bytes(json.dumps(data).encode(), status, headers)

    def _send_bytes(
        self, body: bytes, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


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

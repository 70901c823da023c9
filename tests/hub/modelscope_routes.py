"""The routes of ModelScope that its package uses for listing and downloading a model."""

import json
import os
import re
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from tests.hub.modelscope_server import Fault, ModelScopeServer

BLOCK_BYTES = 4 * 2**20


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def modelscope(self) -> "ModelScopeServer":
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

    def _send_body(self, file: Path, path: str, fault: "Fault") -> None:
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

    def _send_range(self, file: Path, path: str, start: int, end: int, fault: "Fault") -> None:
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

"""Run a command and watch what it takes: seconds, peak memory, peak GPU memory, peak disk."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil
import pynvml

INTERVAL_S = 0.05


@dataclass(frozen=True, slots=True)
class Watched:
    """What a finished command took. Peaks are the highest of samples 50 ms apart.

    ``peak_memory_bytes`` is memory of the process's own (resident without pages of mapped
    files, which the system can drop at any time); ``peak_resident_bytes`` counts those as well.
    """

    exit_code: int
    seconds: float
    stdout: str
    stderr: str
    peak_memory_bytes: int
    peak_resident_bytes: int
    peak_gpu_bytes: int | None
    peak_disk_bytes: int | None


class _Sampler(threading.Thread):
    def __init__(self, process_id: int, folder: Path | None) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(process_id)
        self._folder = folder
        self._over = threading.Event()
        self.memory = self.resident = self.disk = 0
        self.gpu: int | None = None

    def run(self) -> None:
        while not self._over.wait(INTERVAL_S):
            try:
                info = self._process.memory_info()
            except psutil.Error:
                return
            private = info.rss - info.shared
            self.memory = max(self.memory, private)
            self.resident = max(self.resident, info.rss)
            if (used := _gpu_bytes()) is not None:
                self.gpu = max(self.gpu or 0, used)
            if self._folder is not None:
                self.disk = max(self.disk, bytes_on_disk(self._folder))

    def finish(self) -> None:
        self._over.set()
        self.join()


def watch(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    disk_folder: Path | None = None,
    timeout_s: float = 900.0,
) -> Watched:
    """Run ``command`` to its end and return what it took, ``disk_folder`` measured on the way."""
    gpu_before = _gpu_bytes() or 0
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            env={**os.environ, **(environment or {})},
        )
        sampler = _Sampler(process.pid, disk_folder)
        sampler.start()
        try:
            exit_code = process.wait(timeout_s)
        finally:
            process.kill()
            sampler.finish()
        seconds = time.monotonic() - began
        return Watched(
            exit_code=exit_code,
            seconds=round(seconds, 2),
            stdout=_text(out),
            stderr=_text(errors),
            peak_memory_bytes=sampler.memory,
            peak_resident_bytes=sampler.resident,
            peak_gpu_bytes=None if sampler.gpu is None else sampler.gpu - gpu_before,
            peak_disk_bytes=sampler.disk if disk_folder else None,
        )


def bytes_on_disk(folder: Path) -> int:
    """Return what the files under ``folder`` take on the disk, holes not counted."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_blocks * 512
            except OSError:
                continue  # renamed or deleted since it was listed
    return total


def _gpu_bytes() -> int | None:
    """Return the bytes in use on the first GPU, by every process, or None without one."""
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        return int(pynvml.nvmlDeviceGetMemoryInfo(handle).used)
    except pynvml.NVMLError:
        return None


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def console_script(name: str) -> list[str]:
    """Return the command that runs one of the project's programs with this Python."""
    module = {"xverse-chat": "xverse_chat.cli.chat", "xverse-download": "xverse_chat.cli.download"}
    return [sys.executable, "-c", f"from {module[name]} import main; main()"]

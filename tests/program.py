"""Run the real programs as a user does, in a process of their own."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHAT = [sys.executable, "-m", "xverse_chat"]
DOWNLOAD = [sys.executable, str(ROOT / "scripts" / "model_download.py")]


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment with a home of its own and no settings of this machine's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(
            ("XVERSE_", "MODELSCOPE_", "XDG_", "LC_", "HF_", "NO_COLOR", "ACCESS")
        )
    }
    threads = {"OMP_NUM_THREADS": "1", "LANG": "C.UTF-8", "TERM": "xterm-256color"}
    source = {"PYTHONPATH": str(ROOT / "src"), "PYTHONWARNINGS": "default"}
    return {**kept, **threads, **source, "HOME": str(home), **more}


def run(
    command: list[str],
    *options: str,
    home: Path,
    stdin: bytes | None = None,
    variables: Mapping[str, str] | None = None,
    timeout_s: float = 120,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end. Without ``stdin`` there is none: /dev/null, as under cron."""
    return subprocess.run(
        [*command, *options],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        env=environment(home, **(variables or {})),
        timeout=timeout_s,
        check=False,
    )


def processor_seconds(start_programs: Callable[[], object]) -> float:
    """Return the processor time of the programs that a call starts and waits for.

    Unlike the time on the clock it tells the same while other tests run beside.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start_programs()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

import signal
import subprocess
import sys
import time

PROGRAM = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from xverse_chat.cli.interruption import leaving_soon

def leave():
    print("left behind", flush=True)

with leaving_soon(leave, patience_s=0.3), ThreadPoolExecutor() as pool:
    future = pool.submit(time.sleep, float(sys.argv[1]))
    print("ready", flush=True)
    try:
        future.result()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def interrupted(work_s: float) -> tuple[int, str, float]:
    """Return exit code, output, and the seconds from Ctrl-C to the end."""
    command = [sys.executable, "-c", PROGRAM, str(work_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        pressed = time.monotonic()
        said = process.stdout.read()
        return process.wait(), said, time.monotonic() - pressed


def test_a_thread_that_does_not_end_is_not_waited_for() -> None:
    code, said, seconds = interrupted(30)
    assert (code, said) == (130, "interrupted\nleft behind\n")
    assert 0.25 < seconds < 10


def test_work_that_ends_in_time_ends_as_it_would() -> None:
    code, said, _ = interrupted(0.1)
    assert (code, said) == (0, "interrupted\n")

import signal
import subprocess
import sys

PROGRAM = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from xverse_chat.cli.interruption import leaving_soon

def leave():
    print("left behind", flush=True)

done = threading.Event()
with leaving_soon(leave, patience_s=float(sys.argv[2])), ThreadPoolExecutor() as pool:
    future = pool.submit(done.wait)
    try:
        print("ready", flush=True)
        future.result()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        if sys.argv[1] == "ends":
            done.set()
"""


def interrupted(work: str, patience_s: float) -> tuple[int, str]:
    """Return exit code and output of a program whose thread ends, or stays, after Ctrl-C."""
    command = [sys.executable, "-c", PROGRAM, work, str(patience_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()
        return process.wait(timeout=30), said


def test_a_thread_that_does_not_end_is_not_waited_for() -> None:
    assert interrupted("stays", 0.3) == (130, "interrupted\nleft behind\n")


def test_work_that_ends_in_time_ends_as_it_would() -> None:
    assert interrupted("ends", 20) == (0, "interrupted\n")

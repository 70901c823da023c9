"""The download as a user runs it: as a program, in a process of its own."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.hub.conftest import FAST, MODEL_ID, Download, contents
from tests.hub.modelscope_server import ModelScopeServer
from tests.program import DOWNLOAD, environment, run


def test_a_second_run_asks_nobody_and_loads_nothing_heavy(
    download: Download, server: ModelScopeServer, cache: Path, target: Path
) -> None:
    download()
    server.forget()
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "started = time.monotonic()\n"
        "from xverse_chat.hub.download import download_model\n"
        "from xverse_chat.progress import NoProgress\n"
        f"folder = download_model({MODEL_ID!r}, cache_dir=Path({str(cache)!r}), "
        f"endpoint={server.url!r}, progress=NoProgress())\n"
        "assert time.monotonic() - started < 1, time.monotonic() - started\n"
        "heavy = {'torch', 'transformers', 'modelscope', 'modelscope_hub', 'requests', 'numpy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "print(folder)\n"
    )
    done = run([sys.executable, "-c", program], home=cache)
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, f"{target}\n", b"")
    assert server.requested_paths == []


def test_the_program_prints_the_folder_and_nothing_else_on_stdout(
    server: ModelScopeServer, cache: Path, target: Path, tmp_path: Path
) -> None:
    command = [*DOWNLOAD, MODEL_ID, "--cache-dir", str(cache), "--endpoint", server.url]
    started = time.monotonic()
    done = run(command, home=tmp_path / "home", variables=FAST)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode() == f"{target}\n"
    assert b"Traceback" not in done.stderr
    assert b"XVERSE model licence" in done.stderr
    assert time.monotonic() - started < 30
    assert not (tmp_path / "home" / ".modelscope").exists(), "nothing is left at home"


def test_everything_is_told_in_chinese_where_that_is_spoken(
    server: ModelScopeServer, cache: Path, target: Path, tmp_path: Path
) -> None:
    command = [*DOWNLOAD, MODEL_ID, "--cache-dir", str(cache), "--endpoint", server.url]
    chinese = {**FAST, "LANG": "zh_CN.UTF-8"}
    done = run(command, home=tmp_path, variables=chinese)
    assert (done.returncode, done.stdout.decode()) == (0, f"{target}\n")
    (target / "tokenizer.json").write_bytes(b"damaged")
    again = run(command, "--verify", "--keep-original", home=tmp_path, variables=chinese)
    assert again.returncode == 0
    lines = (done.stderr + again.stderr).decode().splitlines()
    assert len(lines) > 10
    assert [line for line in lines if not re.search("[\u4e00-\u9fff]", line)] == []


def test_two_downloads_at_once_make_one_folder(
    server: ModelScopeServer, cache: Path, target: Path, tmp_path: Path, reference: Path
) -> None:
    server.bytes_per_second = 400_000
    command = [*DOWNLOAD, MODEL_ID, "--cache-dir", str(cache), "--endpoint", server.url]
    both = [
        subprocess.Popen(
            command,
            env=environment(tmp_path, **FAST),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert [out.decode() for out, _ in outputs] == [f"{target}\n"] * 2
    waited = [b"Another process" in said for _, said in outputs]
    assert sorted(waited) == [False, True]
    assert set(server.bodies.values()) == {1}
    assert contents(target) == contents(reference)


def test_ctrl_c_leaves_at_once_and_keeps_what_arrived(
    server: ModelScopeServer, cache: Path, target: Path, tmp_path: Path, reference: Path
) -> None:
    server.bytes_per_second = 50_000
    command = [*DOWNLOAD, MODEL_ID, "--cache-dir", str(cache), "--endpoint", server.url]
    process = subprocess.Popen(
        command, env=environment(tmp_path, **FAST), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while server.sent_bytes["pytorch_model-00001-of-00003.bin"] < 30_000:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    pressed = time.monotonic()
    out, said = process.communicate(timeout=30)
    assert time.monotonic() - pressed < 3
    assert (process.returncode, out) == (130, b"")
    assert said.endswith(b"run the same command again to go on.\n")
    assert b"Traceback" not in said
    assert not target.exists()
    server.bytes_per_second = None
    server.forget()
    done = run(command, home=tmp_path, variables=FAST)
    assert done.returncode == 0
    assert server.ranges, "it goes on where it stopped"
    assert contents(target) == contents(reference)

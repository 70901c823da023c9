"""The whole way at real size: an upstream folder, a ModelScope server, download, conversation.

The weights are random, in the exact shape of XVERSE-7B-Chat; the server is on the loopback
interface. ``python -m benchmarks.real_size WORK_FOLDER --out RESULT.json``. Needs three times
15 GB of disk. ``--layers 4 --shards 4`` makes it a small one, to try the program itself.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.watch import Watched, bytes_on_disk, console_script, watch

QUESTION = "请用三句话介绍一下长江，并说明它为什么重要。"
NEW_TOKENS = 128


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder for 45 GB; what was there is deleted")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--new-tokens", type=int, default=NEW_TOKENS)
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    options.work.mkdir(parents=True)
    result: dict[str, object] = {
        "machine": describe_machine(),
        "layers": options.layers,
        "shards": options.shards,
        "weights": "random, bfloat16",
        "date": time.strftime("%Y-%m-%d"),
    }
    for step, figures in _steps(options):
        result[step] = figures
        print(step, json.dumps(figures, ensure_ascii=False), flush=True)
        # Written after each step, so that one that fails takes nothing with it.
        options.out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _steps(options: argparse.Namespace) -> Iterator[tuple[str, dict[str, object]]]:
    upstream, cache = options.work / "upstream", options.work / "cache"
    began = time.monotonic()
    builder = [sys.executable, "-m", "tests.hub.upstream_folder", str(upstream)]
    subprocess.run(
        [*builder, "--shards", str(options.shards), "--layers", str(options.layers)], check=True
    )
    yield (
        "upstream_folder",
        {"size_bytes": bytes_on_disk(upstream), "seconds": _since(began)},
    )
    download = [*console_script("xverse-download"), "--cache-dir", str(cache)]
    with _server(upstream) as url:
        done = watch([*download, "--endpoint", url], disk_folder=cache)
        folder = Path(done.stdout.strip())
        yield "download", {**_figures(done), "size_bytes": bytes_on_disk(folder)}
    # From here on there is no server: nothing may ask for one.
    shutil.rmtree(upstream)
    yield "second_download", _figures(watch(download))
    chat = [*console_script("xverse-chat"), "--cache-dir", str(cache), "-p", QUESTION, "--json"]
    chat += ["--max-new-tokens", str(options.new_tokens), "--seed", "1"]
    for name, extra in (("16-bit", []), ("int8", ["--quant", "8"]), ("int4", ["--quant", "4"])):
        yield f"chat_{name}", _chat_figures(watch([*chat, *extra]))
    yield "verify", _figures(watch([*download, "--verify"]))


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    program = [sys.executable, "-m", "tests.hub.modelscope_server", str(folder)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _figures(done: Watched) -> dict[str, object]:
    if done.exit_code != 0:
        raise SystemExit(f"exit code {done.exit_code}\n{done.stdout}\n{done.stderr}")
    figures: dict[str, object] = {
        "seconds": done.seconds,
        "peak_memory_bytes": done.peak_memory_bytes,
        "peak_resident_bytes": done.peak_resident_bytes,
    }
    if done.peak_gpu_bytes is not None:
        figures["peak_gpu_bytes"] = done.peak_gpu_bytes
    if done.peak_disk_bytes is not None:
        figures["peak_disk_bytes"] = done.peak_disk_bytes
    return figures


def _chat_figures(done: Watched) -> dict[str, object]:
    figures = _figures(done)
    reply = json.loads(done.stdout)
    picked: Sequence[str] = ("finish_reason", "usage", "timings", "model")
    return {**figures, **{key: reply[key] for key in picked}}


def _since(began: float) -> float:
    return round(time.monotonic() - began, 2)


if __name__ == "__main__":
    main()

"""Bad input: one clear paragraph, the documented exit code, no traceback, nothing on stdout."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from tests.program import CHAT, DOWNLOAD, run
from xverse_chat.config import demo_folder


def check(
    command: list[str],
    *options: str,
    home: Path,
    code: int,
    told: str,
    stdin: bytes | None = None,
) -> str:
    done = run(command, *options, home=home, stdin=stdin)
    errors = done.stderr.decode()
    assert (done.returncode, done.stdout) == (code, b""), errors
    assert told in " ".join(errors.split())
    assert "Traceback" not in errors
    return errors


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--quant", "3"], "--quant must be one of 4, 8, not '3'"),
        (["--temperature", "-1"], "temperature must be above 0"),
        (["--temperature", "0"], "greedy"),
        (["--temperature", "nan"], "temperature must be above 0"),
        (["--top-p", "2"], "top-p must be above 0 and at most 1"),
        (["--top-k", "-4"], "top-k must be 0"),
        (["--max-new-tokens", "0"], "max-new-tokens must be 1"),
        (["--seed", "-1"], "seed must be"),
        (["--dtype", "int3"], "--dtype must be one of float16"),
        (["--device", "tpu"], "tpu"),
        (["--nonsense"], "--nonsense"),
        (["--demo", "--model", "xverse/XVERSE-7B-Chat"], "two different models"),
        (["--messages", "nothing-here.json"], "nothing-here.json"),
        (["-p", "  "], "nothing to answer"),
        ([], "nothing to answer"),
    ],
)
def test_an_impossible_option_is_a_usage_error(
    options: list[str], told: str, tmp_path: Path
) -> None:
    prompt = [] if {"-p", "--messages"} & set(options) or not options else ["-p", "hi"]
    check(CHAT, *options, *prompt, home=tmp_path, code=2, told=told)


def test_a_model_that_is_not_there_names_the_command_that_brings_it(tmp_path: Path) -> None:
    cache = tmp_path / "my cache"
    told = f"xverse-download --cache-dir '{cache}'"
    check(CHAT, "-p", "hi", "--cache-dir", str(cache), home=tmp_path, code=69, told=told)


@pytest.mark.parametrize("name", ["no/such/folder", "nonsense", "../..x"])
def test_an_unknown_model_is_not_available(name: str, tmp_path: Path) -> None:
    check(CHAT, "-p", "hi", "--model", name, home=tmp_path, code=69, told=name)


def test_a_file_is_no_model_folder(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.touch()
    check(CHAT, "-p", "hi", "--model", str(path), home=tmp_path, code=69, told="is a file")


def test_an_empty_folder_is_no_model(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    check(CHAT, "-p", "hi", "--model", str(folder), home=tmp_path, code=65, told="config.json")


def test_cuda_without_a_gpu_is_not_available(tmp_path: Path) -> None:
    check(CHAT, "--demo", "-p", "hi", "--device", "cuda", home=tmp_path, code=69, told="CUDA")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[{", "line 1"),
        ('[{"role": "robot", "content": "x"}]', "robot"),
        ('[{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]', "user"),
    ],
)
def test_a_bad_conversation_file_is_refused(content: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "talk.json"
    path.write_text(content, encoding="utf-8")
    check(CHAT, "--demo", "--messages", str(path), home=tmp_path, code=65, told=told)


def test_with_json_an_error_is_one_object_on_stdout(tmp_path: Path) -> None:
    done = run(CHAT, "-p", "hi", "--json", "--cache-dir", str(tmp_path), home=tmp_path)
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["exit_code"]) == (69, 69)
    assert "xverse-download" in error["hint"]
    assert done.stderr == b""


def test_a_wrong_model_id_is_a_usage_error_of_the_download(tmp_path: Path) -> None:
    check(DOWNLOAD, "nonsense", home=tmp_path, code=2, told="OWNER/NAME")


def test_a_cache_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = tmp_path / "file" / "cache"
    check(
        DOWNLOAD,
        "--cache-dir",
        str(cache),
        "--endpoint",
        "http://127.0.0.1:9",
        home=tmp_path,
        code=73,
        told=str(cache),
    )


SHARD = "model-00001-of-00002.safetensors"


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1000)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5000] ^= 1
    path.write_bytes(content)


def replace_by_a_page(path: Path) -> None:
    path.write_text("<html>502 Bad Gateway</html>", encoding="utf-8")


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, replace_by_a_page, Path.unlink])
@pytest.mark.parametrize("name", [SHARD, "tokenizer.json"])
def test_a_damaged_model_folder_is_refused_and_the_file_named(
    damage: Callable[[Path], None], name: str, tmp_path: Path
) -> None:
    folder = shutil.copytree(demo_folder(), tmp_path / "copy")
    damage(folder / name)
    check(CHAT, "-p", "hi", "--model", str(folder), home=tmp_path, code=65, told=name)


@pytest.mark.parametrize(
    ("value", "told"), [(0.0, "zeros"), (float("nan"), "not finite"), (None, "missing")]
)
def test_weights_that_cannot_be_are_refused_where_no_record_vouches_for_them(
    value: float | None, told: str, tmp_path: Path
) -> None:
    folder = shutil.copytree(demo_folder(), tmp_path / "copy")
    (folder / "xverse_chat.json").unlink()
    tensors = load_file(folder / SHARD)
    name = next(name for name in tensors if name.endswith("up_proj.weight"))
    if value is None:
        del tensors[name]
    else:
        tensors[name][3:6] = value
    save_file(tensors, folder / SHARD)
    check(CHAT, "-p", "hi", "--model", str(folder), home=tmp_path, code=65, told=told)


def test_a_folder_copied_without_its_times_is_hashed_and_used(tmp_path: Path) -> None:
    folder = shutil.copytree(demo_folder(), tmp_path / "copy", copy_function=shutil.copyfile)
    done = run(CHAT, "-p", "hello", "--greedy", "--model", str(folder), home=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.strip()


def test_a_model_that_will_not_fit_is_told_before_it_is_loaded(tmp_path: Path) -> None:
    folder = shutil.copytree(demo_folder(), tmp_path / "copy")
    (folder / "xverse_chat.json").unlink()
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "intermediate_size": 2**18, "num_hidden_layers": 512}))
    errors = check(CHAT, "-p", "hi", "--model", str(folder), home=tmp_path, code=70, told="GB free")
    assert "will not fit" in errors

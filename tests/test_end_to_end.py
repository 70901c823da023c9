"""The whole way as a user goes it: a ModelScope server, ``xverse-download``, ``xverse-chat``.

What is served is the demo model turned back into upstream's form: pickled shards, the tokenizer
that current libraries refuse, code that must never run. So the conversation can be judged.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from tests.hub.modelscope_server import ModelScopeServer
from tests.hub.upstream_folder import HOSTILE_CODE
from tests.program import CHAT, DOWNLOAD, environment, run
from tests.pseudo_terminal import CTRL_C, CTRL_D, ENTER, PseudoTerminal
from xverse_chat.config import DEFAULT_MODEL_ID, demo_folder

SHARDS = 3


def write_json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


def unmend(node: object) -> None:
    if isinstance(node, dict):
        node.pop("prepend_scheme", None)
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            unmend(child)


def publish_demo(folder: Path) -> Path:
    """Write the demo model as upstream would have published it."""
    folder.mkdir()
    demo = demo_folder()
    config = json.loads((demo / "config.json").read_text(encoding="utf-8"))
    for key in ("rope_theta", "num_key_value_heads", "head_dim", "attention_bias", "mlp_bias"):
        config.pop(key, None)
    config |= {"model_type": "xverse", "architectures": ["XverseForCausalLM"]}
    config["auto_map"] = {"AutoModelForCausalLM": "modeling_xverse.XverseForCausalLM"}
    write_json(folder / "config.json", config)
    tokenizer = json.loads((demo / "tokenizer.json").read_text(encoding="utf-8"))
    unmend(tokenizer)
    write_json(folder / "tokenizer.json", tokenizer)
    for name in ("generation_config.json", "special_tokens_map.json"):
        shutil.copy(demo / name, folder)
    tensors: dict[str, torch.Tensor] = {}
    for path in sorted(demo.glob("*.safetensors")):
        tensors |= load_file(path)
    weight_map: dict[str, str] = {}
    for number in range(SHARDS):
        name = f"pytorch_model-{number + 1:05}-of-{SHARDS:05}.bin"
        part = {key: tensors[key] for key in list(tensors)[number::SHARDS]}
        torch.save(part, folder / name)
        weight_map |= dict.fromkeys(part, name)
    write_json(folder / "pytorch_model.bin.index.json", {"weight_map": weight_map})
    (folder / "modeling_xverse.py").write_text(HOSTILE_CODE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def cache(home: Path) -> Iterator[Path]:
    """A cache folder that the program has filled from a server, which is gone afterwards."""
    marker = {"HOSTILE_MARKER": str(home / "code-has-run")}
    with ModelScopeServer(publish_demo(home / "upstream"), DEFAULT_MODEL_ID) as server:
        done = run(
            DOWNLOAD,
            "--cache-dir",
            str(home / "cache"),
            "--endpoint",
            server.url,
            home=home,
            variables=marker,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert not any(path.endswith(".py") for path in server.bodies)
    folder = home / "cache" / "xverse-chat" / "xverse--XVERSE-7B-Chat"
    assert done.stdout.decode() == f"{folder}\n"
    assert not list(folder.rglob("*.bin"))
    yield home / "cache"
    assert not (home / "code-has-run").exists()


TALKS = {
    "zh": ("你好，我叫沈若溪。", "好的，你好，沈若溪！", "你还记得我叫什么名字吗？", "沈若溪"),
    "en": ("Hi, my name is Mirela.", "Hello, Mirela!", "What is my name?", "Mirela"),
}


@pytest.mark.parametrize("options", [[], ["--quant", "8"], ["--quant", "4"]])
@pytest.mark.parametrize("language", sorted(TALKS))
def test_what_was_downloaded_remembers_the_conversation(
    language: str, options: list[str], cache: Path, home: Path, tmp_path: Path
) -> None:
    *said, expected = TALKS[language]
    roles = ("user", "assistant", "user")
    talk = [{"role": role, "content": text} for role, text in zip(roles, said, strict=True)]
    write_json(tmp_path / "talk.json", talk)
    done = run(
        CHAT,
        "--cache-dir",
        str(cache),
        "--messages",
        str(tmp_path / "talk.json"),
        "--json",
        *options,
        home=home,
    )
    assert done.returncode == 0, done.stderr.decode()
    answer = json.loads(done.stdout)
    assert expected in answer["text"]
    assert answer["finish_reason"] == "stop"
    assert answer["model"]["id"] == DEFAULT_MODEL_ID
    assert answer["model"]["precision"] == (f"int{options[1]}" if options else "float32")
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert done.stderr == b""


def test_what_was_downloaded_is_a_plain_llama_to_transformers(cache: Path) -> None:
    folder = cache / "xverse-chat" / "xverse--XVERSE-7B-Chat"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert isinstance(model, LlamaForCausalLM)
    question = [{"role": "user", "content": "What is 7 + 5?"}]
    prompt = tokenizer.apply_chat_template(
        question, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    ids = model.generate(**prompt, max_new_tokens=20)[0, prompt["input_ids"].shape[1] :]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "7 + 5 = 12"


def test_the_second_download_needs_no_server_and_changes_nothing(cache: Path, home: Path) -> None:
    folder = cache / "xverse-chat" / "xverse--XVERSE-7B-Chat"
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    nowhere = {"MODELSCOPE_ENDPOINT": "http://127.0.0.1:9"}
    done = run(DOWNLOAD, "--cache-dir", str(cache), home=home, variables=nowhere, timeout_s=10)
    assert (done.returncode, done.stdout.decode()) == (0, f"{folder}\n")
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_upstreams_folder_itself_can_be_talked_to(cache: Path, home: Path) -> None:
    done = run(CHAT, "--model", str(home / "upstream"), "-p", "What is 7 + 5?", home=home)
    assert (done.returncode, done.stdout.decode().strip()) == (0, "7 + 5 = 12")
    assert not (home / "upstream" / "CODE-HAS-RUN").exists()


def test_one_answer_from_a_pipe_is_alone_on_stdout(home: Path) -> None:
    done = run(CHAT, "--demo", home=home, stdin="从 3 数到 6。\n".encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == "3，4，5，6。\n"


def test_invalid_utf8_on_stdin_is_read_as_replacements(home: Path) -> None:
    done = run(CHAT, "--demo", home=home, stdin=b"\xff\xfe hello \xe4")
    assert done.returncode == 0
    assert done.stdout.strip()


def test_a_prompt_longer_than_the_context_is_refused_with_counts(home: Path) -> None:
    done = run(CHAT, "--demo", home=home, stdin=("很长" * 4000).encode())
    assert (done.returncode, done.stdout) == (65, b"")
    assert "8" in done.stderr.decode()
    assert "tokens" in done.stderr.decode()


def test_a_seed_repeats_an_answer_and_greedy_needs_none(home: Path) -> None:
    options = ["--demo", "-p", "Tell me something.", "--temperature", "3", "--top-p", "1"]
    first, again = (run(CHAT, *options, "--seed", "5", home=home).stdout for _ in range(2))
    assert first == again
    greedy = [run(CHAT, *options, "--greedy", home=home).stdout for _ in range(2)]
    assert greedy[0] == greedy[1]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_conversation_in_a_terminal_is_remembered(language: str, cache: Path, home: Path) -> None:
    told, _, asked, expected = TALKS[language]
    command = [*CHAT, "--cache-dir", str(cache), "--lang", language]
    with PseudoTerminal(command, environment=environment(home)) as terminal:
        terminal.wait_for("\n>")
        terminal.type(told + ENTER)  # at once, while the model loads
        statistics = "个 token ·" if language == "zh" else "tokens ·"
        terminal.wait_for(statistics)
        terminal.type(("从 1 数到 5。" if language == "zh" else "count from 1 to 5") + ENTER)
        terminal.wait_until(lambda: terminal.text.count(statistics) == 2, "the second answer")
        terminal.type(asked + ENTER)
        terminal.wait_until(lambda: terminal.text.count(statistics) == 3, "the third answer")
        assert expected in terminal.text.rpartition(asked)[2]
        terminal.type(CTRL_D)
        assert terminal.exit_code() == 0
        assert terminal.settings == terminal.settings_before


def test_the_demos_prompt_is_there_within_five_seconds_and_ctrl_c_leaves_while_loading(
    home: Path,
) -> None:
    with PseudoTerminal([*CHAT, "--demo"], environment=environment(home)) as terminal:
        assert terminal.wait_for("\n>") < 5.0
        terminal.type(CTRL_C)
        assert terminal.exit_code(timeout_s=5.0) == 130

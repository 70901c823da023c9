"""The documents name what there is, and nothing else."""

import json
import re
import statistics
from pathlib import Path
from typing import Any

import pytest

from xverse_chat.chat.events import KINDS
from xverse_chat.chat.log import MAX_LOG_BYTES
from xverse_chat.cli.chat import chat
from xverse_chat.cli.config_file import CONFIG_VARIABLE
from xverse_chat.cli.declarations import declarations
from xverse_chat.cli.download import download
from xverse_chat.cli.outcome import CLOSED_PIPE_EXIT_CODE
from xverse_chat.errors import XverseChatError
from xverse_chat.terminal.clipboard import MOST_BYTES
from xverse_chat.terminal.commands.settings import SETTINGS
from xverse_chat.terminal.commands.table import COMMANDS
from xverse_chat.terminal.export.exporting import SUFFIXES
from xverse_chat.terminal.folds import MOST_CHARACTERS, MOST_LINES
from xverse_chat.terminal.texts import Texts
from xverse_chat.terminal.texts_chinese import CHINESE
from xverse_chat.terminal.texts_english import ENGLISH
from xverse_chat.terminal.translation import chinese_sentences

ROOT = Path(__file__).parent.parent
READMES = ["README.md", "README.zh-CN.md"]
CONFIGURATION = ["docs/configuration.md", "docs/configuration.zh-CN.md"]
SCRIPTS = ["docs/scripts.md", "docs/scripts.zh-CN.md"]
COMMAND_PAGES = ["docs/commands.md", "docs/commands.zh-CN.md"]
SESSIONS = ["docs/sessions.md", "docs/sessions.zh-CN.md"]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


TABLE = (*declarations(chat), *declarations(download))


@pytest.mark.parametrize("name", [*READMES, *CONFIGURATION, *SCRIPTS, *SESSIONS, *COMMAND_PAGES])
def test_every_option_in_a_document_exists(name: str) -> None:
    known = {word for row in TABLE for word in (*row.words, *row.off_words)}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", read(name))) <= known


@pytest.mark.parametrize("name", CONFIGURATION)
def test_every_option_variable_and_key_is_in_the_document(name: str) -> None:
    text = read(name)
    words = {
        f"`{word}`" for row in TABLE for word in (*row.words, *row.off_words) if word[0] == "-"
    }
    variables = {f"`{variable}`" for row in TABLE for variable in row.variables}
    keys = {f"`{row.key}`" for row in TABLE if row.is_setting}
    assert [w for w in {*words, *variables, *keys, f"`{CONFIG_VARIABLE}`"} if w not in text] == []
    choices = {f"`{choice}`" for row in TABLE if row.is_setting for choice in row.choices}
    assert [choice for choice in choices - {"`4`", "`8`"} if choice not in text] == []
    told = set(re.findall(r"`(XVERSE_CHAT_[A-Z_]+)`", text))
    assert told == {v for row in TABLE for v in row.variables if "XVERSE" in v} | {CONFIG_VARIABLE}


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_exit_code_is_in_the_document(name: str) -> None:
    rows = re.findall(r"^\| (\d+)(?:[,、] ?(\d+))? \|", read(name), re.MULTILINE)
    told = {int(code) for row in rows for code in row if code}
    assert told == exit_codes() | {0, 1, 129, 130, 143, CLOSED_PIPE_EXIT_CODE}


@pytest.mark.parametrize("name", SESSIONS)
def test_every_kind_of_event_and_of_export_is_in_the_document(name: str) -> None:
    rows = set(re.findall(r"^\| `([^`]+)` \|", read(name), re.MULTILINE))
    assert rows == {*KINDS, *SUFFIXES}
    assert f"{MAX_LOG_BYTES // 2**20} MiB" in read(name)


@pytest.mark.parametrize(("name", "texts"), [*zip(COMMAND_PAGES, (ENGLISH, CHINESE), strict=True)])
def test_the_page_of_commands_is_their_table(name: str, texts: Texts) -> None:
    rows = re.findall(r"^\| `(/[^`]*)` \| (.*) \|$", read(name), re.MULTILINE)
    assert rows == [(row.usage(texts), texts.told(row.help)) for row in COMMANDS]


@pytest.mark.parametrize("name", COMMAND_PAGES)
def test_every_setting_and_key_is_on_the_page_of_commands(name: str) -> None:
    text = read(name)
    settings = re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE)
    assert settings == [setting.key for setting in SETTINGS]
    keys = ("Ctrl-J", "Ctrl-R", "Ctrl-X Ctrl-E", "Tab", "Ctrl-C", "Ctrl-D")
    assert [
        key
        for key in keys
        if f"| {key}" not in text and f"、{key}" not in text and f", {key}" not in text
    ] == []
    figures = (f"{MOST_LINES} ", f"{MOST_CHARACTERS} ", f"{MOST_BYTES // 1000 + 1} kB")
    assert [figure for figure in figures if figure not in text] == []


@pytest.mark.parametrize(("english", "chinese"), [CONFIGURATION, SCRIPTS, SESSIONS, COMMAND_PAGES])
def test_sister_pages_have_the_same_rows_and_commands(english: str, chinese: str) -> None:
    def shape(name: str) -> tuple[int, int, list[str]]:
        text = read(name)
        commands = re.findall(r"^(?:git diff \| )?(xverse-\w+(?: -+[\w-]+)?)", text, re.MULTILINE)
        return text.count("\n#"), len(re.findall(r"^\|", text, re.MULTILINE)), commands

    assert shape(english) == shape(chinese)


def exit_codes() -> set[int]:
    classes = [XverseChatError]
    for error in classes:
        classes += error.__subclasses__()
    return {error.exit_code for error in classes}


@pytest.mark.parametrize("name", READMES)
def test_every_command_and_exit_code_is_in_the_document(name: str) -> None:
    text = read(name)
    assert all(command.name in text for command in COMMANDS)
    assert all(re.search(rf"\b{code}\b", text) for code in exit_codes() - {1})


@pytest.mark.parametrize("name", READMES)
def test_the_tree_names_every_folder(name: str) -> None:
    text = read(name)
    package = ROOT / "src" / "xverse_chat"
    folders = [path.name for path in package.iterdir() if (path / "__init__.py").is_file()]
    assert all(f"  {folder}/" in text for folder in [*folders, "demo"])
    assert all(
        f"\n{top}/" in text for top in ("scripts", "docs", "training", "benchmarks", "tests")
    )


@pytest.mark.parametrize(
    "name",
    [
        *READMES,
        *CONFIGURATION,
        *SCRIPTS,
        *SESSIONS,
        *COMMAND_PAGES,
        "ARCHITECTURE.md",
        "training/README.md",
    ],
)
def test_every_link_and_named_file_is_there(name: str) -> None:
    text = read(name)
    linked = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    linked += re.findall(r'(?:src|srcset)="([^"]+)"', text)
    assert all((ROOT / name).parent.joinpath(target).exists() for target in linked)
    package = ROOT / "src" / "xverse_chat"
    named = re.findall(r"`((?:engine|terminal|chat|hub|cli|checkpoint)/[a-z_]+\.py)`", text)
    assert [path for path in named if not (package / path).is_file()] == []


def test_every_picture_is_shown() -> None:
    shown = "".join(map(read, READMES))
    assert [path.name for path in (ROOT / "images").iterdir() if path.name not in shown] == []


def test_the_two_readmes_show_the_same_commands() -> None:
    def commands(name: str) -> list[str]:
        lines = read(name).splitlines()
        return [line.split("  ")[0] for line in lines if line.startswith(("make ", "xverse-"))]

    english, chinese = map(commands, READMES)
    assert len(english) == len(chinese)
    assert [line.split()[:2] for line in english] == [line.split()[:2] for line in chinese]


@pytest.mark.parametrize("name", READMES)
def test_a_document_opens_with_the_two_commands(name: str) -> None:
    first_block = read(name).partition("```")[2].partition("```")[0]
    assert [line.split("#")[0].strip() for line in first_block.strip().splitlines()] == [
        "make chat",
        "make test",
    ]


def result(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(read(f"benchmarks/results/{name}.json"))
    return found


def test_figures_of_the_download_are_those_of_the_result_file() -> None:
    download = result("real_size_h200")["download"]
    for name in READMES:
        text = read(name)
        assert f"{download['peak_disk_bytes'] / 1e9:.1f} GB" in text
        assert f"{download['peak_memory_bytes'] / 1e9:.2f} GB" in text
        assert f"{download['seconds']:.0f} " in text


@pytest.mark.parametrize("name", READMES)
def test_figures_of_a_gpu_are_those_of_the_result_file(name: str) -> None:
    measured = result("gpu_h200")
    decode = [measured[key] for key in ("decode_16", "decode_8", "decode_4")]
    prefill = [measured[key] for key in ("prefill_16", "prefill_8", "prefill_4")]
    memory = [measured[key] for key in ("memory_16", "memory_8", "memory_4")]
    turns = [measured[key] for key in ("turns_16", "turns_8", "turns_4")]
    rows = [
        [f"{step['tokens_per_s']:.1f}" for step in decode],
        [f"{step['copy_share'] * 100:.0f} %" for step in decode],
        [f"{step['sampling_tokens_per_s']:.1f}" for step in decode],
        [f"{step['tokens_per_s_at_8k']:.1f}" for step in decode],
        [f"{prompt['tokens_per_s']:,}" for prompt in prefill],
        [f"{peak['peak_allocated_bytes'] / 1e9:.1f} GB" for peak in memory],
        [f"{turn['turn_2_s'] * 1e3:.0f} ms, {turn['turn_20_s'] * 1e3:.0f} ms" for turn in turns],
    ]
    text = read(name)
    assert [row for row in rows if f"| {' | '.join(row)} |" not in text] == []
    other, start = measured["transformers_16"], result("start_h200")
    warm = statistics.median(one["first_token_s"] for one in start["warm_starts"])
    told = (
        other["dynamic_tokens_per_s"],
        other["static_compile_tokens_per_s"],
        warm,
        start["import_torch_s"],
    )
    assert [figure for figure in told if f" {figure:.1f} " not in text.replace("\n", " ")] == []


@pytest.mark.parametrize("name", READMES)
def test_figures_of_a_cpu_are_those_of_the_result_file(name: str) -> None:
    measured = result("cpu_1b")
    text = read(name)
    for work, digits in (("decode", 1), ("prefill", 0)):
        figures = [
            f"{measured[bits][work]['tokens_per_s'][engine]:.{digits}f}"
            for bits in ("4 bits", "8 bits", "16 bits")
            for engine in ("ours", "llama.cpp")
        ]
        assert f"| {' | '.join(figures)} |" in text


@pytest.mark.parametrize("name", READMES)
def test_figures_of_quality_are_those_of_the_result_file(name: str) -> None:
    schemes = {
        "--quant 4`": "ours, 4 bits",
        "| IQ4_XS": "llama.cpp IQ4_XS",
        "| Q4_0": "llama.cpp Q4_0",
        "| NF4": "bitsandbytes NF4, double",
        "| Q4_K_M": "llama.cpp Q4_K_M",
        "| HQQ": "HQQ, group 64",
        "| torchao": "torchao int4, group 64",
        "--quant 8`": "ours, 8 bits",
        "| Q8_0": "llama.cpp Q8_0",
    }
    measured = {row["scheme"]: row for row in result("quality")["matrices"]}
    rows = read(name).partition("Student's t, 4" if name == READMES[0] else "（t，自由度 4）")[2]
    for label, scheme in schemes.items():
        errors = measured[scheme]["errors"]
        row = next(line for line in rows.splitlines() if label in line)
        for figure in (errors["Gaussian"], errors["Student t, 4 degrees"]):
            assert f"{figure * 100:.{2 if figure > 0.001 else 3}f} %" in row
    same = {row["scheme"]: row["own_head"]["same_token"] for row in result("quality")["demo_model"]}
    for scheme in ("ours, 4 bits", "ours, 8 bits"):
        assert f"{same[scheme] * 100:.2f} %" in read(name)


@pytest.mark.parametrize(("name", "quoted"), [(READMES[0], '"([^"]+)"'), (READMES[1], "“([^”]+)”")])
def test_the_errors_in_a_readme_are_those_of_the_program(name: str, quoted: str) -> None:
    chinese = chinese_sentences()
    said = "\n".join(chinese.values() if "zh" in name else chinese)
    rows = re.findall(rf"^\| {quoted} ?[(（]\d+", read(name), re.MULTILINE)
    parts = [part.strip() for row in rows for part in row.split("…")]
    assert len(rows) >= 5
    assert [part for part in parts if part not in said] == []

"""The documents name what there is, and nothing else."""

import json
import re
from pathlib import Path

import pytest
import typer

from xverse_chat.cli.chat import chat
from xverse_chat.cli.download import download
from xverse_chat.errors import XverseChatError
from xverse_chat.terminal.commands import COMMANDS

ROOT = Path(__file__).parent.parent
READMES = ["README.md", "README.zh-CN.md"]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def options_of(command: object) -> set[str]:
    application = typer.Typer()
    application.command()(command)  # type: ignore[type-var]
    parsed = typer.main.get_command(application)
    return {name for option in parsed.params for name in option.opts if name.startswith("--")}


@pytest.mark.parametrize("name", READMES)
def test_every_option_in_a_document_exists(name: str) -> None:
    known = options_of(chat) | options_of(download) | {"--help"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", read(name))) <= known


@pytest.mark.parametrize("name", READMES)
def test_every_command_and_exit_code_is_in_the_document(name: str) -> None:
    text = read(name)
    assert all(command.name in text for command in COMMANDS)
    classes = [XverseChatError]
    for error in classes:
        classes += error.__subclasses__()
    codes = {error.exit_code for error in classes} - {1}
    assert all(re.search(rf"\b{code}\b", text) for code in codes)


@pytest.mark.parametrize("name", READMES)
def test_the_tree_names_every_folder(name: str) -> None:
    text = read(name)
    package = ROOT / "src" / "xverse_chat"
    folders = [path.name for path in package.iterdir() if (path / "__init__.py").is_file()]
    assert all(f"  {folder}/" in text for folder in [*folders, "demo"])
    assert all(f"\n{top}/" in text for top in ("scripts", "training", "benchmarks", "tests"))


@pytest.mark.parametrize("name", [*READMES, "ARCHITECTURE.md", "training/README.md"])
def test_every_link_and_named_file_is_there(name: str) -> None:
    text = read(name)
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    assert all((ROOT / name).parent.joinpath(target).exists() for target in linked)
    package = ROOT / "src" / "xverse_chat"
    named = re.findall(r"`((?:engine|terminal|chat|hub|cli|checkpoint)/[a-z_]+\.py)`", text)
    assert [path for path in named if not (package / path).is_file()] == []


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


@pytest.mark.parametrize("name", READMES)
def test_the_figures_are_those_of_the_result_file(name: str) -> None:
    text = read(name)
    result = json.loads(read("benchmarks/results/real_size_h200.json"))
    for step in ("chat_16-bit", "chat_int8", "chat_int4"):
        timings = result[step]["timings"]
        gigabytes = result[step]["peak_gpu_bytes"] / 1e9
        for figure in (timings["load_s"], gigabytes, timings["decode_tokens_per_s"]):
            assert f"{figure:.1f}" in text
    download = result["download"]
    assert f"{download['peak_disk_bytes'] / 1e9:.1f} GB" in text
    assert f"{download['peak_memory_bytes'] / 1e9:.2f} GB" in text
    assert f"{download['seconds']:.0f} " in text

"""``--show-config``, and with it what goes before what: option, variable, file, default."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.program import CHAT, DOWNLOAD, run
from xverse_chat.cli.chat import chat
from xverse_chat.cli.declarations import declarations
from xverse_chat.cli.download import download


def configure(home: Path, text: str) -> Path:
    path = home / ".config" / "xverse-chat" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def shown(program: list[str], *options: str, home: Path, **variables: str) -> dict[str, Any]:
    done = run(program, "--show-config", "--json", *options, home=home, variables=variables)
    assert (done.returncode, done.stderr) == (0, b"")
    settings: dict[str, Any] = json.loads(done.stdout)["settings"]
    return settings


def test_options_go_before_variables_before_the_file_before_defaults(tmp_path: Path) -> None:
    path = configure(tmp_path, "top-k = 1\ntop-p = 0.1\nseed = 1\ngreedy = true\nplain = true\n")
    variables = {"XVERSE_CHAT_TOP_P": "0.2", "XVERSE_CHAT_SEED": "2", "XVERSE_CHAT_PLAIN": "0"}
    settings = shown(CHAT, "--seed", "3", "--no-greedy", home=tmp_path, **variables)
    assert settings["seed"] == {"value": 3, "source": "option", "where": "--seed"}
    assert settings["greedy"] == {"value": False, "source": "option", "where": "--greedy"}
    where = "XVERSE_CHAT_TOP_P"
    assert settings["top-p"] == {"value": 0.2, "source": "variable", "where": where}
    assert settings["plain"]["value"] is False
    assert settings["top-k"] == {"value": 1, "source": "file", "where": f"{path}, line 1"}
    assert settings["temperature"] == {"value": None, "source": "default", "where": "default"}
    assert settings["model"]["value"] == "xverse/XVERSE-7B-Chat"


def test_both_programs_read_one_file_and_show_what_is_theirs(tmp_path: Path) -> None:
    configure(tmp_path, 'cache-dir = "/models"\nendpoint = "https://a.example"\nseed = 1\n')
    downloads = shown(DOWNLOAD, home=tmp_path)
    assert {key: row["value"] for key, row in downloads.items()} == {
        "cache-dir": "/models",
        "quant": None,
        "endpoint": "https://a.example",
        "lang": "en",
    }
    assert shown(CHAT, home=tmp_path)["cache-dir"]["value"] == "/models"


@pytest.mark.parametrize(
    ("variable", "program", "key"),
    [
        ("XVERSE_CHAT_CACHE_DIR", CHAT, "cache-dir"),
        ("XVERSE_CHAT_CACHE", CHAT, "cache-dir"),
        ("XVERSE_CHAT_CACHE", DOWNLOAD, "cache-dir"),
        ("MODELSCOPE_ENDPOINT", DOWNLOAD, "endpoint"),
        ("XVERSE_CHAT_ENDPOINT", DOWNLOAD, "endpoint"),
    ],
)
def test_variables_of_other_names_set_the_same(
    variable: str, program: list[str], key: str, tmp_path: Path
) -> None:
    settings = shown(program, home=tmp_path, **{variable: "/some"})
    assert settings[key] == {"value": "/some", "source": "variable", "where": variable}


def test_what_is_shown_is_a_file_that_sets_the_same(tmp_path: Path) -> None:
    options = ["--quant", "4", "--system", '说  "中文"\n', "--top-p", "0.5", "--greedy"]
    done = run(CHAT, "--show-config", *options, home=tmp_path)
    text = done.stdout.decode()
    assert "# seed =" in text
    copied = tmp_path / "copied.toml"
    copied.write_text(text, encoding="utf-8")
    settings = shown(CHAT, "--config", str(copied), home=tmp_path)
    from_file = {key: row["value"] for key, row in settings.items() if row["source"] == "file"}
    assert from_file == {"quant": 4, "system": '说  "中文"\n', "top-p": 0.5, "greedy": True}


def test_a_variable_that_sets_nothing_is_told(tmp_path: Path) -> None:
    variables = {
        "XVERSE_CHAT_TEMPRATURE": "1",
        "XVERSE_CHAT_ZZZ": "1",
        "XVERSE_CHAT_ENDPOINT": "",  # the other program's
        "XVERSE_CHAT_CONFIG": "",
    }
    said = run(CHAT, "--show-config", home=tmp_path, variables=variables).stdout.decode()
    assert said.endswith(
        "# XVERSE_CHAT_TEMPRATURE sets nothing. Did you mean XVERSE_CHAT_TEMPERATURE?\n"
        "# XVERSE_CHAT_ZZZ sets nothing.\n"
    )
    assert said.count("sets nothing") == 2
    done = run(CHAT, "--show-config", "--json", home=tmp_path, variables=variables)
    told = json.loads(done.stdout)["unknown_variables"]
    assert told == ["XVERSE_CHAT_TEMPRATURE", "XVERSE_CHAT_ZZZ"]


def test_an_impossible_value_tells_where_it_is_from(tmp_path: Path) -> None:
    path = configure(tmp_path, "seed = 1\ntop-p = 7\n")
    done = run(CHAT, "-p", "x", home=tmp_path)
    told = f"It comes from top-p ({path}, line 2)."
    assert (done.returncode, told in done.stderr.decode()) == (2, True)
    bad = {"XVERSE_CHAT_TEMPERATURE": "warm", "XVERSE_CHAT_TOP_P": "1"}
    done = run(CHAT, "-p", "x", home=tmp_path, variables=bad)
    assert done.stderr.decode().startswith("XVERSE_CHAT_TEMPERATURE must be a number, not 'warm'.")
    bad = {"XVERSE_CHAT_GREEDY": "perhaps", "XVERSE_CHAT_TOP_P": "1"}
    done = run(CHAT, "-p", "x", home=tmp_path, variables=bad)
    assert done.stderr.decode().startswith("XVERSE_CHAT_GREEDY must be true or false.")
    configure(tmp_path, 'quant = 5\nlang = "zh"\n')
    done = run(CHAT, "-p", "x", home=tmp_path)
    assert f"{path} 第 1 行的 quant 必须是 4, 8 之一，不能是 '5'。" in done.stderr.decode()


def test_demo_is_meant_where_it_is_typed_whatever_the_file_says(tmp_path: Path) -> None:
    configure(tmp_path, f'model = "{tmp_path}"\n')
    done = run(CHAT, "--demo", "--device", "tpu", "-p", "hello", home=tmp_path)
    assert done.stderr.startswith(b"--device tpu is unknown.")
    done = run(CHAT, "--demo", "--model", str(tmp_path), "-p", "hello", home=tmp_path)
    assert b"two different models" in done.stderr


@pytest.mark.parametrize("program", [chat, download])
def test_every_number_and_choice_is_read_by_our_own_words(program: Any) -> None:
    """So that what is wrong is told in both languages."""
    from xverse_chat.cli.declarations import make_command

    parsers = {
        parameter.name: parameter.type_descriptor.parameter_info.parser
        for parameter in make_command(program).params
    }
    for row in declarations(program):
        assert row.kind in (bool, str, Path) or parsers[row.name] is not None, row.name
        assert row.panel, f"{row.name} has no heading in --help"
        assert row.help
        assert row.metavar or not row.takes_value

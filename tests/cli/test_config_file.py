"""The configuration file: what it may say, what is told of what it may not, and where it is."""

import os
from pathlib import Path

import pytest

from tests.program import CHAT, DOWNLOAD, run
from xverse_chat.cli.config_file import CONFIG_VARIABLE, ConfigFile, find_config, read_config
from xverse_chat.cli.program import known_settings
from xverse_chat.config import config_path
from xverse_chat.errors import DataError, UsageError, XverseChatError


def read(folder: Path, text: str) -> ConfigFile:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return read_config(path, known_settings())


def test_settings_are_read_as_the_words_of_their_options(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        "# mine\n"
        'model = "demo"\nquant = 4\ncache-dir = "~/models"\n'
        "temperature = 1\ntop-p = 0.9\nseed = 7\ngreedy = true\n"
        '"lang" = "zh"\n',
    )
    assert file.values == {
        "model": "demo",
        "quant": "4",
        "cache_dir": "~/models",
        "temperature": "1",
        "top_p": "0.9",
        "seed": "7",
        "greedy": True,
        "lang": "zh",
    }
    assert (file.lines["model"], file.lines["lang"]) == (2, 9)


@pytest.mark.parametrize(
    ("text", "kind", "told", "hint"),
    [
        ("\ntemprature = 1", UsageError, "temprature ({path}, line 2) is no", "mean temperature?"),
        ("top_p = 1", UsageError, "top_p ({path}, line 1) is no setting.", "mean top-p?"),
        ("zzz = 1", UsageError, "zzz ({path}, line 1) is no setting.", "--show-config"),
        ("[chat]\nseed = 1", UsageError, "chat ({path}, line 1) is no setting.", ""),
        ("prompt = 'x'", UsageError, "prompt ({path}, line 1) is no setting.", ""),
        ("seed = 1.5", UsageError, "seed ({path}, line 1) must be a whole number.", ""),
        ("seed = true", UsageError, "seed ({path}, line 1) must be a whole number.", ""),
        ("top-p = '1'", UsageError, "top-p ({path}, line 1) must be a number.", ""),
        ("greedy = 'yes'", UsageError, "greedy ({path}, line 1) must be true or false.", ""),
        ("model = 7", UsageError, "model ({path}, line 1) must be text in quotes", ""),
        ("model.id = 'x'", UsageError, "model ({path}, line 1) must be text in quotes", ""),
        ("cache-dir = 'models'", UsageError, "must be a whole path, from / or ~ on.", ""),
        (
            "seed = \n",
            DataError,
            "is not TOML: Invalid value in line 1, column 8.",
            "temperature =",
        ),
        ("seed = 1\nseed = 2", DataError, "is not TOML: Cannot overwrite a value", ""),
        ("model = 'x", DataError, "is not TOML:", ""),
    ],
)
def test_what_cannot_be_is_told_with_its_line(
    text: str, kind: type[XverseChatError], told: str, hint: str, tmp_path: Path
) -> None:
    with pytest.raises(kind) as caught:
        read(tmp_path, text)
    assert told.format(path=tmp_path / "config.toml") in caught.value.message
    assert hint in caught.value.hint


def test_a_file_that_is_no_utf8_or_no_file_of_settings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes("system = '中'".encode("gbk"))
    with pytest.raises(DataError, match="not UTF-8 text: byte 10 is wrong"):
        read_config(path, known_settings())
    os.truncate(path, 2**40)
    with pytest.raises(DataError, match="too large"):
        read_config(path, known_settings())


def test_a_mark_and_line_ends_of_windows_are_read(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbfseed = 1\r\ntop-k = 2\r\n")
    file = read_config(tmp_path / "config.toml", known_settings())
    assert file.values == {"seed": "1", "top_k": "2"}
    assert file.lines == {"seed": 1, "top-k": 2}


def test_the_option_goes_before_the_variable_and_that_before_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CONFIG_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert find_config(None).path == config_path()
    assert not find_config(None).is_there
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).touch()
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "a.toml"))
    assert find_config(None).path == tmp_path / "a.toml"
    assert find_config(str(tmp_path / "b.toml")).path == tmp_path / "b.toml"


def test_a_named_file_must_be_there_and_a_variable_names_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        find_config(str(tmp_path / "nothing.toml"))
    monkeypatch.chdir(tmp_path)
    Path("config.toml").touch()
    monkeypatch.setenv(CONFIG_VARIABLE, "config.toml")
    with pytest.raises(UsageError, match="another file in every folder"):
        find_config(None)


def test_nothing_is_taken_from_the_working_folder(tmp_path: Path) -> None:
    hostile = tmp_path / "work"
    for name in ("config.toml", "xverse-chat/config.toml", ".config/xverse-chat/config.toml"):
        (hostile / name).parent.mkdir(parents=True, exist_ok=True)
        (hostile / name).write_text('endpoint = "http://evil.example"\nmodel = "demo"\n')
    inside = ["bash", "-c", f'cd "{hostile}" && "$@"', "bash"]
    home = tmp_path / "home"
    for program in (CHAT, DOWNLOAD):
        done = run([*inside, *program, "--show-config"], home=home)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"evil" not in done.stdout
        assert b"demo" not in done.stdout

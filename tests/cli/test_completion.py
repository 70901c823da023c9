"""Completion as a shell asks for it, and in real shells where they are installed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chat.test_store import save
from tests.program import ROOT, environment, processor_seconds, run
from tests.pseudo_terminal import ENTER, TAB, PseudoTerminal
from xverse_chat.chat.store import Store
from xverse_chat.cli.values import Shell

SHELLS = [
    pytest.param(shell, marks=installed)
    for shell, installed in (
        (shell, pytest.mark.skipif(shutil.which(shell.value) is None, reason=f"no {shell.value}"))
        for shell in Shell
    )
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with both programs on the PATH and two models in the cache."""
    for name, module in (("xverse-chat", "chat"), ("xverse-download", "download")):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(
            f"#!{sys.executable}\nfrom xverse_chat.cli.{module} import main\nmain()\n"
        )
        program.chmod(0o755)
    for folder in ("owner--One-int4", "other--Two"):
        (tmp_path / ".cache" / "xverse-chat" / "xverse-chat" / folder).mkdir(parents=True)
    (tmp_path / "notes.txt").touch()
    store = Store(tmp_path / ".local" / "share" / "xverse-chat" / "conversations")
    for title in ("旅行 计划", "weather", "weather"):
        save(store, title)
    return tmp_path


def candidates(home: Path, *words: str, shell: str = "fish", **variables: str) -> list[str]:
    program = [str(home / "bin" / words[0])]
    asked = {"_XVERSE_CHAT_COMPLETE": shell, **variables}
    done = run(program, *words[1:], home=home, variables=asked)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().splitlines()


def words_of(lines: list[str]) -> list[str]:
    return [line.split("\t")[0] for line in lines]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (["xverse-chat", "--te"], ["--temperature"]),
        (["xverse-chat", "--quant", ""], ["4", "8"]),
        (
            [
                "xverse-chat",
                "--quant=",
            ],
            ["--quant=4", "--quant=8"],
        ),
        (["xverse-chat", "--quant", "="], ["4", "8"]),
        (["xverse-chat", "--quant", "=", "8"], ["8"]),
        (["xverse-chat", "-p", "x", "--lang", "z"], ["zh"]),
        (["xverse-chat", "--dtype", "f"], ["float16", "float32"]),
        (["xverse-chat", "--device", "c"], ["cpu", "cuda"]),
        (["xverse-chat", "--model", "o"], ["other/Two", "owner/One"]),
        (["xverse-chat", "--model", "d"], ["demo"]),
        (["xverse-chat", "--session", ""], ["weather", "旅行 计划"]),
        (["xverse-chat", "--session", "旅"], ["旅行 计划"]),
        (["xverse-chat", "--no-g"], ["--no-greedy"]),
        (["xverse-chat", "-f", "n"], []),  # the shell's own files
        (["xverse-chat", "--cache-dir", ""], []),
        (["xverse-download", "x"], ["xverse/XVERSE-7B-Chat"]),
        (["xverse-download", "--ver"], ["--verify", "--version"]),
    ],
    ids=" ".join,
)
def test_what_can_follow_is_offered(typed: list[str], found: list[str], home: Path) -> None:
    assert words_of(candidates(home, *typed)) == found


def test_every_option_is_offered_with_what_it_means_in_the_users_language(home: Path) -> None:
    lines = candidates(home, "xverse-chat", "--", LANG="zh_CN.UTF-8")
    assert "--greedy\t每次都取最可能的 token。" in lines
    assert words_of(lines) == words_of(candidates(home, "xverse-chat", ""))


def test_the_folder_that_is_set_is_looked_into(home: Path) -> None:
    (home / "models" / "xverse-chat" / "mine--Three").mkdir(parents=True)
    folder = str(home / "models")
    assert candidates(home, "xverse-chat", "--cache-dir", folder, "--model", "m") == [
        "mine/Three\t"
    ]
    found = candidates(home, "xverse-chat", "--model", "m", XVERSE_CHAT_CACHE_DIR=folder)
    assert found == ["mine/Three\t"]
    config = home / ".config" / "xverse-chat" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'cache-dir = "{folder}"\n')
    assert candidates(home, "xverse-chat", "--model", "m") == ["mine/Three\t"]
    config.write_text("nonsense")
    assert candidates(home, "xverse-chat", "--model", "m") == []


def test_completing_takes_less_than_a_third_of_a_second_and_loads_nothing_heavy(home: Path) -> None:
    def complete() -> None:
        candidates(home, "xverse-chat", "--model", "")

    assert min(processor_seconds(complete) for _ in range(3)) < 0.3
    program = (
        "import sys\nsys.argv = ['xverse-chat', '--model', '']\n"
        "from xverse_chat.cli.chat import main\nmain()\n"
        "heavy = {'torch', 'transformers', 'modelscope', 'numpy', 'pydantic', 'rich.console'}\n"
        "heavy |= {'xverse_chat.cli.script_turn', 'xverse_chat.terminal.repl'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    asked = {"_XVERSE_CHAT_COMPLETE": "bash"}
    done = run([sys.executable, "-c", program], home=home, variables=asked)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_real_shell_takes_the_script(shell: Shell, home: Path) -> None:
    """Install it, open the shell in a terminal, and complete with Tab."""
    variables = {
        "PATH": f"{home / 'bin'}:/usr/bin:/bin",
        "PS1": "$ ",
        "PYTHONPATH": str(ROOT / "src"),
    }
    options = ["--install-completion", shell.value]
    for _ in range(2):  # the second time changes nothing
        done = run([str(home / "bin" / "xverse-chat")], *options, home=home, variables=variables)
        assert (done.returncode, done.stdout) == (0, b"")
    start_file = home / f".{shell.value}rc"
    assert shell is Shell.FISH or start_file.read_text().count("# xverse-chat\n") == 1
    command = [shell.value, *(["-i"] if shell is Shell.BASH else [])]
    surroundings = environment(home, **variables, ZDOTDIR=str(home))
    with PseudoTerminal(command, environment=surroundings, columns=120) as terminal:
        terminal.type(f"cd {home}" + ENTER)
        for typed, expected in (
            ("xverse-chat --tempe", "xverse-chat --temperature"),
            ("xverse-chat --model ow", "xverse-chat --model owner/One"),
            ("xverse-chat -f note", "xverse-chat -f notes.txt"),
            ("xverse-download --endp", "xverse-download --endpoint"),
            ("xverse-chat --lang=z", "xverse-chat --lang=zh"),
        ):
            terminal.type(typed)
            terminal.wait_for(typed)
            terminal.type(TAB)
            terminal.wait_for(expected)
            terminal.type("\x15")  # Ctrl-U: clear the line
        terminal.type("\x15exit" + ENTER)
        assert terminal.exit_code() is not None


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_good_syntax(shell: Shell, home: Path) -> None:
    program = [str(home / "bin" / "xverse-chat")]
    script = run(program, "--show-completion", shell.value, home=home).stdout
    path = home / "script"
    path.write_bytes(script)
    done = subprocess.run([shell.value, "-n", str(path)], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_start_file_that_cannot_be_written_is_told(home: Path) -> None:
    (home / ".bashrc").mkdir()
    program = [str(home / "bin" / "xverse-chat")]
    done = run(program, "--install-completion", "bash", home=home)
    assert done.returncode == 73
    assert b".bashrc cannot be created: Is a directory." in done.stderr
    assert b"--show-completion prints" in done.stderr

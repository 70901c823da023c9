"""The programs as scripts use them: what is on stdout, on stderr, and the exit code."""

import json
import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.program import CHAT, DOWNLOAD, environment, run
from tests.pseudo_terminal import CTRL_D, ENTER, PseudoTerminal

DEMO = [*CHAT, "--demo", "--greedy"]


@pytest.fixture
def notes(tmp_path: Path) -> str:
    path = tmp_path / "notes.txt"
    path.write_text("My name is Mirela.\n", encoding="utf-8")
    return str(path)


def test_a_file_a_pipe_and_a_question_give_one_answer_alone_on_stdout(
    notes: str, tmp_path: Path
) -> None:
    done = run(DEMO, "-f", notes, "-p", "What is my name?", home=tmp_path, stdin=b"")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == "Your name is Mirela.\n"


def test_a_conversation_from_a_pipe_is_answered_as_json(tmp_path: Path) -> None:
    talk = [
        {"role": "user", "content": "Hi, my name is Mirela."},
        {"role": "assistant", "content": "Hello, Mirela!"},
        {"role": "user", "content": "What is my name?"},
    ]
    done = run(DEMO, "--messages", "-", "--json", home=tmp_path, stdin=json.dumps(talk).encode())
    answer = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, b"")
    assert set(answer) == {"text", "finish_reason", "usage", "timings", "model"}
    assert "Mirela" in answer["text"]


def test_what_no_longer_fits_is_left_out_without_a_question_and_told_on_stderr(
    tmp_path: Path,
) -> None:
    talk = [{"role": "user", "content": "Hi, my name is Mirela."}]
    for number in range(40):
        talk.append({"role": "assistant", "content": "Hello!"})
        talk.append({"role": "user", "content": f"Please count from {number} to {number + 2}."})
    options = ["--lang", "zh", "--messages", "-"]
    done = run(DEMO, *options, home=tmp_path, stdin=json.dumps(talk).encode())
    assert done.returncode == 0
    assert done.stdout.decode().count("\n") == 1
    assert re.fullmatch(
        r"对话超过了模型能读的 1024 个 token，最早的 \d+ 条消息已略去。\n", done.stderr.decode()
    )


def test_a_file_in_an_old_encoding_is_read_and_told_on_stderr(tmp_path: Path) -> None:
    path = tmp_path / "old.txt"
    path.write_bytes("从 3 数到 6。".encode("gbk"))
    done = run(DEMO, "--lang", "zh", "-f", str(path), home=tmp_path)
    assert (done.returncode, done.stdout.decode()) == (0, "3，4，5，6。\n")
    assert done.stderr.decode() == f"{path} 是按 GB18030 编码读取的。\n"


def test_at_a_terminal_a_file_with_the_output_redirected_is_answered_once(
    notes: str, tmp_path: Path
) -> None:
    master, slave = pty.openpty()
    done = subprocess.run(
        [*DEMO, "-f", notes],
        stdin=slave,
        capture_output=True,
        env=environment(tmp_path),
        timeout=60,
        check=False,
    )
    os.close(master)
    os.close(slave)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Mirela" in done.stdout


def test_in_a_conversation_the_files_go_with_the_first_message(notes: str, tmp_path: Path) -> None:
    command = [*DEMO, "-f", notes, "--lang", "en"]
    with PseudoTerminal(command, environment=environment(tmp_path), columns=200) as terminal:
        terminal.wait_for(f"The next message takes along {notes} (19 B). /new leaves that out.")
        terminal.type("What is my name?" + ENTER)
        terminal.wait_for("Your name is Mirela.")
        terminal.type("What is 7 + 5?" + ENTER)
        terminal.wait_for("7 + 5 = 12")
        terminal.type(CTRL_D)
        assert terminal.exit_code() == 0


@pytest.mark.parametrize("options", [["-p", "hello"], ["-p", "hello", "--json"]])
def test_a_full_disk_is_told_once_and_gives_74(options: list[str], tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*DEMO, *options],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(tmp_path),
            timeout=60,
            check=False,
        )
    told = "The output could not be written: No space left on device.\n"
    assert (done.returncode, done.stderr.decode()) == (74, told)


def test_a_reader_that_left_is_no_error_to_tell(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        [*DEMO, "-p", "hello"],
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
        env=environment(tmp_path),
    )
    os.close(writer)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (128 + signal.SIGPIPE, b"")


@pytest.mark.parametrize("options", [["--help"], ["--show-config"], ["--show-completion", "bash"]])
def test_a_page_whose_reader_left_is_quiet_too(options: list[str], tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(
        [*CHAT, *options], stdout=writer, stderr=subprocess.PIPE, env=environment(tmp_path)
    )
    os.close(writer)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (128 + signal.SIGPIPE, b"")


@pytest.mark.parametrize(
    ("redirections", "code", "told"),
    [
        ("-p hello >&-", 74, "There is nowhere to write to: stdout is closed."),
        ("-f - <&-", 2, "There is nothing to answer"),
        ("<&-", 2, "There is nothing to answer"),
        ("-p x --nonsense 2>&-", 2, ""),
        ("-p x --nonsense --json > /dev/full", 2, "There is no option --nonsense."),
    ],
)
def test_closed_streams_are_no_surprise(
    redirections: str, code: int, told: str, tmp_path: Path
) -> None:
    shell = ["bash", "-c", f'"$@" {redirections}', "bash", *DEMO]
    done = run(shell, home=tmp_path)
    assert (done.returncode, done.stdout) == (code, b"")
    assert told in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["-p", "x", "--nonsense"], 2, "There is no option --nonsense."),
        (["-p", "x", "--quant", "3"], 2, "--quant must be one of 4, 8, not '3'."),
        (["-p"], 2, "-p wants something after it: TEXT."),
        (["extra", "words"], 2, "Nothing can be done with 'extra words'."),
        (["-f", "nothing.txt"], 2, "There is no file nothing.txt."),
        (["-f", "/"], 2, "/ is a folder, and what is wanted is a text file."),
        (["-f", "/dev/zero"], 65, "/dev/zero is larger than 1 MiB; the files in a message"),
        (["-p", "x", "--config", "/nothing.toml"], 2, "There is no file /nothing.toml."),
        (["-p", "x", "--top-p", "7"], 2, "Impossible option: top-p must be above 0"),
        (["-p", "x"], 69, "The model xverse/XVERSE-7B-Chat is not on this machine"),
    ],
)
def test_with_json_every_failure_is_one_object_in_english(
    options: list[str], code: int, told: str, tmp_path: Path
) -> None:
    done = run(CHAT, "--json", "--lang", "zh", *options, home=tmp_path)
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["exit_code"], done.stderr) == (code, code, b"")
    assert error["message"].startswith(told)
    assert set(error) == {"message", "hint", "exit_code"}


@pytest.mark.parametrize(
    ("program", "options", "told"),
    [
        (
            CHAT,
            ["--temprature", "1"],
            "没有 --temprature 这个选项。你是想用 --temperature 吗？请看",
        ),
        (CHAT, ["-p", "x", "--seed", "a"], "--seed 必须是整数，不能是 'a'。"),
        (CHAT, ["-p", "x", "--cache-dir", "."], "本机没有模型 xverse/XVERSE-7B-Chat："),
        (DOWNLOAD, ["nonsense"], "'nonsense' 不是模型 id：它的形式应为 OWNER/NAME。"),
    ],
)
def test_in_a_chinese_locale_errors_are_chinese(
    program: list[str], options: list[str], told: str, tmp_path: Path
) -> None:
    done = run(program, *options, home=tmp_path, variables={"LANG": "zh_CN.UTF-8"})
    assert done.stdout == b""
    assert done.stderr.decode().startswith(told)
    assert not done.stderr.decode().isascii()


@pytest.mark.parametrize("program", [CHAT, DOWNLOAD])
def test_help_is_chinese_where_that_is_asked_for(program: list[str], tmp_path: Path) -> None:
    pages = [
        run(program, "--help", "--lang", "zh", home=tmp_path).stdout,
        run(program, "-h", home=tmp_path, variables={"LANG": "zh_CN.UTF-8"}).stdout,
        run(program, "-h", home=tmp_path, variables={"XVERSE_CHAT_LANG": "zh"}).stdout,
    ]
    assert pages[0].decode().startswith("用法：")
    assert len(set(pages)) == 1
    english = run(program, "--help", home=tmp_path).stdout.decode()
    assert english.startswith("Usage:")
    assert english.isascii() or "…" in english

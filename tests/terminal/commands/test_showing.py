from pathlib import Path

from tests.scripted import ScriptedBackend
from tests.terminal.desk import Screen
from xverse_chat.chat.backend import Finish, ModelDescription, Timings, Usage
from xverse_chat.chat.events import Policy


class CountingBackend(ScriptedBackend):
    """Counts how often it counted."""

    memory_bytes = 9_320_000_000

    def __init__(self) -> None:
        super().__init__()
        self.counted = 0

    def count_tokens(self, messages):  # type: ignore[no-untyped-def]
        self.counted += 1
        return super().count_tokens(messages)


def test_stats_tells_what_the_last_answer_took() -> None:
    screen = Screen()
    screen.type("/stats")
    assert screen.text == "Error: There is no answer yet to tell of.\n"
    screen.desk.last = Finish("stop", Usage(120, 30), Timings(3.2, 0.4, 0.5, 41.7, 100))
    screen.type("/stats")
    assert screen.text == (
        "The last answer\nread: 120 tokens, 100 of them known from before\nwritten: 30 tokens\n"
        "first word: after 0.50 s\nspeed: 42 tok/s\nloading: 3.2 s\n"
    )


def test_context_shows_the_meter_and_takes_a_policy() -> None:
    screen = Screen("zh", backend=ScriptedBackend())
    screen.converse("四个字呢", "六个字的回答")
    screen.type("/context")
    shown = screen.text
    assert "上下文 10 / 2048（0 %）" in shown
    assert "上下文满了的时候：到时候再问。" in shown
    screen.type("/context refuse")
    assert screen.desk.session.policy is Policy.REFUSE
    assert "什么都不略去" in screen.text
    screen.type("/context burn")
    assert screen.desk.session.policy is Policy.REFUSE
    assert "drop" in screen.text


def test_context_tells_what_the_model_no_longer_reads() -> None:
    screen = Screen(backend=ScriptedBackend())
    screen.converse("one", "1", "two", "2", "three", "3")
    screen.desk.session.drop(4)
    screen.type("/context")
    assert "2 rounds at the beginning are left out for the model." in screen.text


def test_the_context_is_counted_anew_only_when_the_conversation_changed() -> None:
    backend = CountingBackend()
    screen = Screen(backend=backend)
    screen.converse("one", "1")
    for _ in range(3):
        screen.type("/context")
    assert backend.counted == 1
    screen.converse("two", "2")
    screen.type("/context")
    assert backend.counted == 2


def test_a_conversation_far_beyond_the_context_is_not_counted() -> None:
    backend = CountingBackend()
    screen = Screen(backend=backend)
    screen.converse("x" * 100_000, "1")
    screen.type("/context")
    assert backend.counted == 0
    assert "Context 2048 / 2048 (100 %)" in screen.text


def test_system_is_shown_set_and_removed() -> None:
    screen = Screen()
    screen.type("/system")
    assert "There is no system text. /system TEXT sets one." in screen.text
    screen.type("/system Answer in verse.")
    assert screen.desk.session.system == "Answer in verse."
    screen.type("/system")
    assert screen.text.endswith("The system text is: Answer in verse.\n")
    screen.type("/system -")
    assert screen.desk.session.system == ""


def test_model_tells_all_that_is_known_of_it() -> None:
    screen = Screen("zh", backend=CountingBackend())
    screen.desk.described = ModelDescription(
        "xverse/XVERSE-7B-Chat", "int4", "cuda:0 (H200)", 8192, Path("/models/x\x1b[2J")
    )
    screen.type("/model")
    assert screen.text == (
        "模型\n模型: xverse/XVERSE-7B-Chat\n精度: int4\n设备: cuda:0 (H200)\n"
        "上下文: 8192 个 token\n"
        "内存: 9.3 GB\n文件夹: /models/x\n"
        "要换模型：退出后运行 xverse-chat --model 编号或文件夹。\n"
    )

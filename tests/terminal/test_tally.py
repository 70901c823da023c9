from xverse_chat.progress import Stage
from xverse_chat.terminal.tally import ProgressTally, Snapshot, describe, describe_done
from xverse_chat.terminal.texts_chinese import CHINESE
from xverse_chat.terminal.texts_english import ENGLISH
from xverse_chat.wording import say


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def downloading(
    seconds: int, *, bytes_each: int = 10, total: int = 1000
) -> tuple[ProgressTally, Clock]:
    clock = Clock()
    tally = ProgressTally(clock)
    tally.begin(Stage.DOWNLOAD, total)
    tally.start("a.bin", total)
    for _ in range(seconds):
        clock.now += 1
        tally.advance("a.bin", 10)
    return tally, clock


def test_the_time_left_follows_from_the_rate() -> None:
    tally, _ = downloading(10)
    snapshot = tally.snapshot()
    assert (snapshot.done_bytes, snapshot.fraction) == (100, 0.1)
    assert snapshot.bytes_per_s == 10
    assert snapshot.seconds_left == 90


def test_a_stalled_transfer_is_seen_to_slow_down() -> None:
    tally, clock = downloading(10)
    clock.now += 10
    rate = tally.snapshot().bytes_per_s
    assert rate is not None
    assert rate < 10


def test_nothing_is_estimated_in_the_first_second() -> None:
    tally, clock = downloading(0)
    clock.now += 0.5
    tally.advance("a.bin", 10)
    assert tally.snapshot().bytes_per_s is None


def test_bytes_that_were_there_before_are_no_speed() -> None:
    clock = Clock()
    tally = ProgressTally(clock)
    tally.begin(Stage.DOWNLOAD, 1000)
    tally.start("a.bin", 1000)
    tally.advance("a.bin", 900)
    clock.now += 5
    tally.advance("a.bin", 50)
    assert tally.snapshot().bytes_per_s == 10


def test_an_item_that_starts_over_is_counted_back() -> None:
    tally, _ = downloading(3)
    tally.advance("a.bin", -30)
    snapshot = tally.snapshot()
    assert (snapshot.done_bytes, snapshot.items[0].done_bytes) == (0, 0)


def test_a_new_stage_starts_from_nothing() -> None:
    tally, _ = downloading(3)
    tally.begin(Stage.VERIFY, 500)
    snapshot = tally.snapshot()
    assert (snapshot.stage, snapshot.done_bytes, snapshot.items) == (Stage.VERIFY, 0, ())


def test_a_finished_item_is_gone() -> None:
    tally, _ = downloading(1)
    assert tally.item("a.bin") is not None
    tally.finish("a.bin")
    assert tally.snapshot().items == ()
    tally.finish("never started")


def test_more_bytes_than_announced_are_still_all_of_it() -> None:
    assert Snapshot(total_bytes=10, done_bytes=11).fraction == 1.0


def test_figures_read_the_same_in_both_languages() -> None:
    snapshot = Snapshot(Stage.DOWNLOAD, 14_600_000_000, 7_300_000_000, 100_000_000)
    assert describe(snapshot, ENGLISH) == " 50% · 7.3 GB of 14.6 GB · 100 MB/s · 1:13 left"
    assert describe(snapshot, CHINESE) == " 50% · 7.3 GB / 14.6 GB · 100 MB/秒 · 剩余 1:13"


def test_a_stage_without_a_size_tells_its_note_alone() -> None:
    tally = ProgressTally(Clock())
    tally.begin(Stage.LOAD, 0)
    tally.note(say("reading\x1b[2J\nthe tokenizer"))
    assert describe(tally.snapshot(), ENGLISH) == "reading the tokenizer"


def test_what_is_done_is_told_with_size_and_time() -> None:
    snapshot = Snapshot(Stage.VERIFY, 1000, 1000, elapsed_s=61)
    assert describe_done(snapshot, ENGLISH) == "Verified: 1.0 kB in 1:01"
    assert describe_done(Snapshot(), ENGLISH) == ""

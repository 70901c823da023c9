import time

import pytest

from xverse_chat.chat.clock import local_time, now


def test_a_time_is_read_by_the_clock_of_this_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        assert local_time("2026-11-24T20:59:55Z") == "2026-11-25 04:59"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("kept", ["", "yesterday", "9999-99-99T00:00:00Z"])
def test_what_is_no_time_shows_none(kept: str) -> None:
    assert local_time(kept) == ""


def test_now_can_be_read_again() -> None:
    assert local_time(now())

import pytest

from xverse_chat.terminal.measures import format_bytes, format_duration


@pytest.mark.parametrize(
    ("size_bytes", "told"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_940, "99.9 kB"),
        (99_960, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (14_600_000_000, "14.6 GB"),
    ],
)
def test_a_size_has_three_figures_at_most(size_bytes: int, told: str) -> None:
    assert format_bytes(size_bytes) == told


@pytest.mark.parametrize(
    ("seconds", "told"), [(-1, "0:00"), (6.6, "0:07"), (59.7, "1:00"), (3723, "1:02:03")]
)
def test_a_duration_reads_like_a_clock(seconds: float, told: str) -> None:
    assert format_duration(seconds) == told

"""Times as conversations keep them, and as a user reads them. Standard library only."""

from datetime import UTC, datetime


def now() -> str:
    """Return the time in UTC, to the second, such as ``2026-11-24T13:59:55Z``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_time(kept: str) -> str:
    """Return a time by the clock of this place, to the minute; empty for what is no time."""
    try:
        return f"{datetime.fromisoformat(kept).astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):
        return ""

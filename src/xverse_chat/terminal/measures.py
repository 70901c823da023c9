"""Sizes and durations as people read them, the same in every language. Standard library only."""


def format_bytes(size_bytes: float) -> str:
    """Return a size in decimal units, as disks and downloads are sold: ``14.6 GB``."""
    size = abs(size_bytes)
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= 0.9995 * scale:
            return (
                f"{size_bytes / scale:.1f} {unit}"
                if size < 99.95 * scale
                else (f"{size_bytes / scale:.0f} {unit}")
            )
    return f"{size_bytes:.0f} B"


def format_duration(seconds: float) -> str:
    """Return a duration as ``0:07``, ``12:30`` or ``1:02:03``."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

from pathlib import Path

from xverse_chat.chat.disk import Disk
from xverse_chat.chat.order import Order


def test_the_last_one_put_first_is_first(tmp_path: Path) -> None:
    order = Order(tmp_path, Disk())
    assert order.identities() == []
    for identity in ("a", "b", "a", "a", "c"):
        order.put_first(identity)
    assert order.identities() == ["c", "a", "b"]
    assert (tmp_path / "order").read_text() == "a\nb\na\nc\n"


def test_those_never_noted_come_last_and_the_youngest_of_them_first(tmp_path: Path) -> None:
    order = Order(tmp_path, Disk())
    order.put_first("b")
    order.put_first("gone")
    assert order.sorted(["a", "b", "d", "c"]) == ["b", "d", "c", "a"]


def test_a_line_that_was_never_finished_spoils_no_other(tmp_path: Path) -> None:
    (tmp_path / "order").write_bytes(b"a\nb\nha\xff")
    order = Order(tmp_path, Disk())
    order.put_first("c")
    assert order.sorted(["a", "b", "c"]) == ["c", "b", "a"]


def test_a_file_that_is_no_file_is_no_order(tmp_path: Path) -> None:
    (tmp_path / "order").mkdir()
    order = Order(tmp_path, Disk())
    order.put_first("a")
    assert order.identities() == []


def test_of_a_long_file_the_end_is_read(tmp_path: Path) -> None:
    (tmp_path / "order").write_text("old\n" + "x\n" * 2**20)
    assert Order(tmp_path, Disk()).identities() == ["x"]

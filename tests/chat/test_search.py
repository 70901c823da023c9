import time
from pathlib import Path

import pytest

from tests.chat.test_store import save
from xverse_chat.chat.journal import log_path
from xverse_chat.chat.search import Search
from xverse_chat.chat.store import Store
from xverse_chat.errors import UsageError


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "conversations")


def found(store: Store, wanted: str) -> list[str]:
    return [f"{hit.before}[{hit.found}]{hit.after}" for hit in Search(store, wanted).hits()]


def test_one_chinese_character_is_found_with_what_stands_around_it(store: Store) -> None:
    save(store, "明天会下雨吗？", "第一行\n会的，请带雨伞。\n第三行")
    save(store, "你好", "好")
    assert found(store, "雨") == ["明天会下[雨]吗？", "会的，请带[雨]伞。"]


def test_a_hit_says_where_it_is(store: Store) -> None:
    identity = save(store, "a", "b", "c 雨", name="天气")
    (hit,) = Search(store, "雨").hits()
    assert (hit.identity, hit.title, hit.number, hit.role) == (identity, "天气", 3, "user")


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("Hello WORLD", "world"),
        ('a "quoted" \\ word', '"quoted" \\'),
        ("x = a.b*c", "a.b*c"),
        ("line one\nline two", "one\nline"),
        ("ÄPFEL", "äpfel"),
        ("🙂👍", "👍"),
    ],
)
def test_whatever_was_said_is_found(store: Store, said: str, wanted: str) -> None:
    save(store, said)
    assert len(list(Search(store, wanted).hits())) == 1


@pytest.mark.parametrize("wanted", ["role", "user", "kind", "demo", "content", "2026"])
def test_the_words_of_the_format_are_not_what_was_said(store: Store, wanted: str) -> None:
    save(store, "x")
    assert found(store, wanted) == []


def test_those_talked_in_last_come_first_and_what_was_taken_back_not_at_all(store: Store) -> None:
    first = save(store, "雨一", "好", "雨二")
    save(store, "雨三")
    opened = store.open(first, model_id="demo")
    opened.session.move(2)
    opened.journal.save(opened.session.events)
    assert found(store, "雨") == ["[雨]一", "[雨]三"]


def test_an_escape_that_another_program_wrote_is_read(store: Store) -> None:
    path = log_path(store.folder, save(store, "下雨"))
    path.write_bytes(path.read_bytes().replace("雨".encode(), b"\\u96e8"))
    assert found(store, "雨") == ["下[雨]"]


def test_a_damaged_conversation_is_counted_and_stops_nothing(store: Store) -> None:
    save(store, "雨一")
    identity = save(store, "雨二")
    path = log_path(store.folder, identity)
    path.write_bytes(path.read_bytes().replace(b'"n": 1', b'"n": 5'))
    search = Search(store, "雨")
    assert [hit.after for hit in search.hits()] == ["一"]
    assert search.unreadable == [identity]


@pytest.mark.parametrize("wanted", ["", "  ", "x" * 1001])
def test_nothing_and_far_too_much_cannot_be_wanted(store: Store, wanted: str) -> None:
    with pytest.raises(UsageError, match="from 1 to 1000"):
        list(Search(store, wanted).hits())


def test_a_thousand_conversations_are_searched_in_no_time(store: Store) -> None:
    content = log_path(store.folder, save(store, "你好", "好" * 3000)).read_bytes()
    for number in range(1000):
        log_path(store.folder, f"20250101-000000-{number:08x}").write_bytes(content)
    began = time.process_time()
    assert found(store, "雨") == []
    assert time.process_time() - began < 1

import os
import time
from pathlib import Path

import pytest

from xverse_chat.chat.backend import Message
from xverse_chat.chat.disk import Disk
from xverse_chat.chat.journal import log_path
from xverse_chat.chat.keeper import Keeper
from xverse_chat.chat.store import Store
from xverse_chat.errors import DataError, DiskError, UsageError


def save(store: Store, *texts: str, name: str = "") -> str:
    """Save questions and answers in turn, and leave; return the conversation's identity."""
    keeper = Keeper(store, model_id="demo")
    for number, text in enumerate(texts):
        keeper.session.append(Message("assistant" if number % 2 else "user", text))
    if name:
        keeper.rename(name)
    identity = keeper.identity
    assert identity is not None
    keeper.begin("")
    return identity


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "conversations")


def test_without_a_folder_there_is_nothing(store: Store) -> None:
    assert (store.identities(), list(store.rows()), store.latest()) == ([], [], None)
    assert store.find("x") is None


def test_a_list_shows_titles_and_how_much_was_asked(store: Store) -> None:
    save(store, "你好", "好", "再见")
    named = save(store, 'they said "role": "user" and "kind": "name"', "ok", name="旅行")
    rows = list(store.rows())
    assert [(row.title, row.questions, row.model_id) for row in rows] == [
        ("旅行", 1, "demo"),
        ("你好", 2, "demo"),
    ]
    assert rows[0].identity == named
    assert rows[0].size_bytes == log_path(store.folder, named).stat().st_size
    assert rows[0].created <= rows[0].last_at


def test_the_last_one_is_the_one_talked_in_last(store: Store) -> None:
    first, second = save(store, "a"), save(store, "b")
    assert store.latest() == second
    opened = store.open(first, model_id="demo")
    assert store.latest() == second  # to open one is not to talk in it
    opened.session.append(Message("user", "c"))
    opened.journal.save(opened.session.events)
    assert store.latest() == first


def test_a_conversation_goes_on_in_its_file(store: Store) -> None:
    identity = save(store, "a", "b")
    opened = store.open(identity, model_id="other")
    assert (opened.is_copy, opened.was_torn) == (False, False)
    opened.session.append(Message("user", "c"))
    opened.journal.save(opened.session.events)
    assert [m.content for m in store.read(identity).messages] == ["a", "b"]
    assert store.read(identity).unanswered == "c"
    assert store.identities() == [identity]


def test_a_second_program_gets_a_copy_and_the_first_goes_on(store: Store) -> None:
    identity = save(store, "a", "b")
    first = store.open(identity, model_id="demo")
    second = store.open(identity, model_id="demo")
    assert (first.is_copy, second.is_copy) == (False, True)
    for opened, text in ((first, "one"), (second, "two"), (first, "uno")):
        opened.session.append(Message("assistant", text))
        opened.journal.save(opened.session.events)
    assert second.journal.identity != identity
    kept = {tuple(m.content for m in store.read(one).messages) for one in store.identities()}
    assert kept == {("a", "b", "one", "uno"), ("a", "b", "two")}


def test_a_line_that_was_never_finished_is_left_out_and_told(store: Store) -> None:
    identity = save(store, "a", "b")
    path = log_path(store.folder, identity)
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    opened = store.open(identity, model_id="demo")
    assert opened.was_torn
    assert opened.session.unanswered == "a"
    assert path.read_bytes() == whole[:-7]  # nothing is changed before something is said
    opened.session.append(Message("user", "c"))
    opened.session.append(Message("assistant", "d"))
    opened.journal.save(opened.session.events)
    opened.journal.close()
    assert [m.content for m in store.read(identity).messages] == ["c", "d"]
    assert not store.open(identity, model_id="demo").was_torn


@pytest.mark.parametrize("name", ["旅行计划", "旅行", "LÜ"])
def test_a_name_is_found_by_how_it_begins(store: Store, name: str) -> None:
    identity = save(store, "a", name="旅行计划" if "旅" in name else "lübeck")
    save(store, "b", name="别的")
    assert store.find(f" {name} ") == identity


def test_an_identity_is_found_and_an_exact_name_goes_before_a_longer_one(store: Store) -> None:
    longer, exact = save(store, "a", name="旅行计划"), save(store, "b", name="旅行")
    assert store.find("旅行") == exact
    assert store.find(longer) == longer
    assert store.named(" 旅行 ") == exact
    assert store.named("旅") is None
    assert store.find("") is None
    assert store.find("没有") is None


def test_the_beginning_of_several_names_is_refused_with_them(store: Store) -> None:
    save(store, "a", name="旅行一")
    save(store, "b", name="旅行二")
    with pytest.raises(UsageError, match="2 conversations begin with '旅'") as raised:
        store.find("旅")
    assert "旅行一" in raised.value.message


IDENTITY = "20261124-135955-0123abcd"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("folder", "no plain file"),
        ("link", "no plain file"),
        ("pipe", "no plain file"),
        ("foreign", "no conversation of xverse-chat"),
        ("huge", "larger than 64 MiB"),
        ("damaged", "line 2 is damaged"),
        ("missing", "No such file"),
    ],
)
def test_what_is_no_conversation_is_refused_at_once_and_left_alone(
    store: Store, kind: str, told: str
) -> None:
    store.folder.mkdir()
    path = log_path(store.folder, IDENTITY)
    match kind:
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to("/dev/zero")
        case "pipe":
            os.mkfifo(path)
        case "foreign":
            path.write_text('{"role": "user"}\n')
        case "huge":
            with path.open("wb") as file:
                file.truncate(2**36)
        case "damaged":
            other = log_path(store.folder, save(store, "a", "b"))
            path.write_bytes(other.read_bytes().replace(b'"n": 1', b'"n": ?'))
    began, before = time.process_time(), path.lstat().st_size if kind != "missing" else 0
    for read in (store.read, lambda identity: store.open(identity, model_id="demo")):
        with pytest.raises(DataError, match=told):
            read(IDENTITY)
    assert time.process_time() - began < 2
    if kind in ("damaged", "huge"):  # nobody holds it
        descriptor = Disk().open(path, to_write=True)
        assert Disk().lock(descriptor)
        os.close(descriptor)
    if kind != "missing":
        assert path.lstat().st_size == before
    list(store.rows())  # a list is not kept from being shown


@pytest.mark.parametrize("identity", ["../secret", "", "20261124-135955-0123abcd/..", "order"])
def test_a_name_never_leads_out_of_the_folder(store: Store, identity: str) -> None:
    with pytest.raises(DataError, match="not the name of a file"):
        store.read(identity)


def test_files_of_others_in_the_folder_are_not_listed(store: Store) -> None:
    identity = save(store, "a")
    (store.folder / "notes.jsonl").write_text("x")
    (store.folder / f"{IDENTITY}.jsonl").write_text("not ours\n")
    assert [row.identity for row in store.rows()] == [identity]


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match="Not a directory"):
        Store(tmp_path / "file").identities()


def test_a_thousand_conversations_are_listed_in_no_time(store: Store) -> None:
    content = log_path(store.folder, save(store, "你好", "好" * 1000)).read_bytes()
    for number in range(1000):
        log_path(store.folder, f"20250101-000000-{number:08x}").write_bytes(content)
    began = time.process_time()
    assert len(list(store.rows())) == 1001
    assert time.process_time() - began < 1

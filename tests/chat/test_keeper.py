from pathlib import Path

import pytest

from tests.chat.failing_disk import FailingDisk
from tests.chat.test_store import save
from xverse_chat.chat.backend import Message
from xverse_chat.chat.keeper import Keeper
from xverse_chat.chat.store import Store
from xverse_chat.errors import DataError, UsageError

HI = Message("user", "hi")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "conversations")


def test_every_change_is_saved_as_it_happens(store: Store) -> None:
    keeper = Keeper(store, model_id="demo")
    assert keeper.identity is None
    keeper.session.append(HI)
    keeper.session.append(Message("assistant", "hello"))
    identity = keeper.identity
    assert identity is not None
    assert store.read(identity).messages == keeper.session.messages


def test_a_new_conversation_leaves_the_one_before_saved(store: Store) -> None:
    keeper = Keeper(store, model_id="demo")
    keeper.session.append(HI)
    before = keeper.identity
    session = keeper.begin("be kind")
    session.append(HI)
    assert keeper.identity != before
    assert len(store.identities()) == 2
    assert session.messages[0] == Message("system", "be kind")


def test_the_session_before_writes_no_more(store: Store) -> None:
    keeper = Keeper(store, model_id="demo")
    before = keeper.session
    before.append(HI)
    identity = keeper.identity
    assert identity is not None
    keeper.begin("")
    before.append(Message("assistant", "late"))
    assert store.read(identity).unanswered == "hi"


def test_nothing_is_saved_where_that_is_not_wanted(store: Store) -> None:
    keeper = Keeper(store, model_id="demo", saves=False)
    keeper.session.append(HI)
    keeper.save()
    assert not store.folder.exists()
    assert (keeper.identity, keeper.news()) == (None, None)


def test_an_earlier_one_can_be_read_on_without_saving(store: Store) -> None:
    identity = save(store, "a", "b")
    keeper = Keeper(store, model_id="demo", saves=False)
    keeper.open(identity)
    keeper.session.append(HI)
    assert [m.content for m in store.read(identity).messages] == ["a", "b"]
    assert not Keeper(store, model_id="demo").open(identity).is_copy  # it was given back


def test_a_session_can_be_held_without_a_store() -> None:
    keeper = Keeper(None, model_id="demo")
    keeper.begin("x")
    keeper.session.append(HI)
    assert keeper.transcript().messages == (Message("system", "x"), HI)
    with pytest.raises(UsageError, match="No conversations are kept"):
        keeper.open("20261124-135955-0123abcd")


def test_what_cannot_be_opened_changes_nothing(store: Store) -> None:
    keeper = Keeper(store, model_id="demo")
    keeper.session.append(HI)
    identity = keeper.identity
    assert identity is not None
    with pytest.raises(DataError):
        keeper.open("20261124-135955-0123abcd")
    with pytest.raises(UsageError, match="open already"):
        keeper.open(identity)
    assert keeper.identity == identity
    assert keeper.session.messages == (HI,)


def test_a_name_is_one_line_and_that_of_one_conversation(store: Store) -> None:
    save(store, "a", name="旅行")
    keeper = Keeper(store, model_id="demo")
    with pytest.raises(UsageError, match="another conversation '旅行'"):
        keeper.rename(" 旅行 ")
    for name in ("", " \n", "字" * 51):
        with pytest.raises(UsageError, match="one line"):
            keeper.rename(name)
    keeper.rename("两\n行")
    keeper.session.append(HI)
    keeper.rename("两 行")  # its own name is no other one's
    assert [row.title for row in store.rows()] == ["两 行", "旅行"]


def test_saving_that_fails_is_told_once_and_that_it_works_again_once(tmp_path: Path) -> None:
    disk = FailingDisk(lambda call: True)
    keeper = Keeper(Store(tmp_path / "conversations", disk), model_id="demo")
    keeper.session.append(HI)
    news = keeper.news()
    assert news is not None
    assert (news.reason, news.path) == ("No space left on device", tmp_path / "conversations")
    keeper.session.append(Message("assistant", "hello"))
    assert keeper.news() is None
    disk.fails = lambda call: False
    keeper.save()
    news = keeper.news()
    assert news is not None
    assert news.reason == ""
    assert keeper.news() is None
    identity = keeper.identity
    assert identity is not None
    assert keeper.store is not None
    assert len(keeper.store.read(identity).messages) == 2


def test_an_export_has_the_title_and_where_it_came_from(store: Store) -> None:
    keeper = Keeper(store, model_id="demo")
    keeper.session.append(HI)
    transcript = keeper.transcript()
    assert (transcript.title, transcript.model_id) == ("hi", "demo")
    assert transcript.facts.startswith("demo · 2")

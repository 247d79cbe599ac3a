"""A clock that jumps, stands in 1970 or in 2100 makes nothing old, destroys nothing and changes no order."""

import itertools
from pathlib import Path

import pytest

from desktop_llm.chats.export import to_markdown
from desktop_llm.chats.store import ChatStore
from desktop_llm.days import Days
from desktop_llm.message import Text

NOW, DAY = 1_796_000_000.0, 86_400.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [NOW]
    monkeypatch.setattr("time.time", lambda: now[0])
    return now


def test_a_month_that_the_clock_jumps_over_does_not_empty_the_trash(tmp_path: Path, clock: list[float]) -> None:
    path = tmp_path / "chats.db"
    with ChatStore(path) as store:
        store.trash(store.create(title="A chat").id)
    for jump in (31 * DAY, -31 * DAY, 73 * 365 * DAY, -NOW, 0.0):
        clock[0] = NOW + jump
        with ChatStore(path) as store:
            assert store.purge() == 0


def test_what_was_deleted_is_gone_after_thirty_days_of_use(tmp_path: Path, clock: list[float]) -> None:
    path, purged = tmp_path / "chats.db", []
    with ChatStore(path) as store:
        store.trash(store.create(title="A chat").id)
    for _ in range(31):
        with ChatStore(path) as store:
            purged.append(store.purge())
        clock[0] += DAY
    assert purged == [0] * 30 + [1]


def test_a_clock_that_starts_in_1970_each_morning_counts_each_day_once(tmp_path: Path, clock: list[float]) -> None:
    days = Days(tmp_path / "days.json")
    days.note()
    for day in range(1, 10):
        for moment in (0.0, NOW + day * DAY):
            clock[0] = moment
            days.note()
    clock[0] = 0.0
    days.note()
    assert days.since(0.0) == 0
    assert Days(tmp_path / "days.json").since(NOW) == 10  # nine days, and the one in 1970


@pytest.mark.parametrize("content", [b"", b"{}", b"[1, null]", b"\xff" * 20, b"[" * 100_000])
def test_a_damaged_list_of_days_begins_again(tmp_path: Path, clock: list[float], content: bytes) -> None:
    (tmp_path / "days.json").write_bytes(content)
    days = Days(tmp_path / "days.json")
    days.note()
    assert days.since(NOW - 100 * DAY) == 1
    assert [days.since(moment) for moment in (float("inf"), float("nan"), -1e300, 1e300)] == [0] * 4


def test_messages_keep_their_order_however_the_clock_jumps(tmp_path: Path, clock: list[float]) -> None:
    moments = itertools.cycle([NOW, 4e9, 0.0, NOW - DAY])
    with ChatStore(tmp_path / "chats.db") as store:
        chat, parent = store.create(title="A chat"), None
        for number in range(12):
            clock[0] = next(moments)
            parent = store.add(chat.id, parent, ("user", "assistant")[number % 2], [Text(f"message {number}")]).id
        messages = store.messages(chat.id)
        assert [message.text for message in messages] == [f"message {number}" for number in range(12)]
        exported = to_markdown(store.conversation(chat.id), messages)
        assert exported.index("message 3") < exported.index("message 10")

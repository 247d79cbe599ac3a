"""A database of an earlier version is brought to this one, with all it holds."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from desktop_llm.errors import UserError
from desktop_llm.knowledge import schema
from desktop_llm.knowledge.keywords import TOKENIZER
from desktop_llm.knowledge.store import Store


def _write_first_version(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        words = f"CREATE VIRTUAL TABLE chunk_words USING fts5(text, content='', tokenize=\"{TOKENIZER}\");"
        database.executescript(f"{schema.STEPS[0]} {words} PRAGMA user_version = 1;")
        database.execute("INSERT INTO collection(name) VALUES('Leases')")
        database.execute("INSERT INTO source(sha256, version, format, title) VALUES('00', '1.1', 'Text', 'Lease')")
        database.execute("INSERT INTO page(source, position, text) VALUES(1, 0, 'No dogs.')")
        database.execute(
            "INSERT INTO chunk(source, page, start, \"end\", place, text) VALUES(1, 1, 0, 8, '', 'No dogs.')"
        )


def test_the_first_version_is_brought_to_this_one_and_a_copy_of_it_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "knowledge.db"
    _write_first_version(path)
    with contextlib.closing(Store(path)) as store:
        assert store.collection("Leases") == 1
        assert store.rows("SELECT text, header FROM chunk") == [("No dogs.", "")]
        assert store.rows("SELECT * FROM folder") == []
        assert store.rows("SELECT words FROM source") == [(2,)]
        assert store.rows("PRAGMA user_version") == [(schema.VERSION,)]
    with contextlib.closing(sqlite3.connect(tmp_path / "knowledge.db.v1")) as kept:
        assert kept.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_step_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "knowledge.db"
    _write_first_version(path)
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE folder(somebody TEXT)")
    with pytest.raises(UserError):
        Store(path)
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        names = {name for (_, name, *_) in database.execute("PRAGMA table_info(chunk)")}
    assert "header" not in names

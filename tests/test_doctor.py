"""What `doctor` says of the databases; the rest is in test_cli.py."""

from __future__ import annotations

from pathlib import Path

from desktop_llm.chats.store import ChatStore
from desktop_llm.doctor import stores
from desktop_llm.knowledge.store import Store
from desktop_llm.paths import folders


def test_databases_that_are_well_are_called_so_and_damaged_ones_are_not(home: Path) -> None:
    here = folders(home)
    ChatStore(here.chats_db).close()
    Store(here.knowledge_db).close()
    assert stores(here) == {"chats": "ok", "knowledge": "ok"}
    here.knowledge_db.write_bytes(here.knowledge_db.read_bytes()[:5000])
    assert stores(here)["knowledge"].startswith("damaged: ")

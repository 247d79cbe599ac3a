"""What was measured is kept, whoever asks."""

from __future__ import annotations

import threading
from pathlib import Path

from desktop_llm.models.facts import Facts


def test_a_damaged_file_is_thrown_away_once_however_many_ask_at_once(tmp_path: Path) -> None:
    path, together = tmp_path / "facts.db", threading.Barrier(8)
    path.write_bytes(b"this is no database, but it is long enough to look like one" * 100)

    def work(name: str) -> None:
        facts = Facts(path)
        together.wait()
        facts.note_measured(name, {"known": True})

    names = [f"fact {number}" for number in range(together.parties)]
    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [Facts(path).measured(name) for name in names] == [{"known": True}] * together.parties

"""A whole session on a hub of this machine: find, get, load, chat, read documents, ask them, close. To be traced.

python -m tests.end2end.full_session FOLDER      prints what the ledger holds, a host a line
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from PySide6.QtWidgets import QApplication

from desktop_llm.models.ledger import Ledger
from desktop_llm.models.library import Library
from desktop_llm.paths import folders
from tests.end2end.person import Person, until
from tests.hub import LocalHub
from tests.sample_documents import write_samples

REPO = "maker/Tiny-GGUF"


def main() -> None:
    """Everything that a person does, first in the terminal, then in the window."""
    folder = Path(sys.argv[1])
    os.environ |= {"DESKTOP_LLM_HOME": str(folder / "home"), "HOME": str(folder), "QT_QPA_PLATFORM": "offscreen"}
    with LocalHub() as hub:
        hub.add(REPO, {"tiny-Q4_1.gguf": Library(folders()).starter().path, "README.md": b"# Tiny"})
        os.environ["HF_ENDPOINT"] = hub.url
        in_the_terminal(folder)
        in_the_window(folder)
    hosts = sorted({entry.host for entry in Ledger(folders().ledger_db).entries()})
    Path(sys.argv[2]).write_text("\n".join(hosts))


def in_the_terminal(folder: Path) -> None:
    """Each command once."""
    write_samples(folder / "House")
    run("doctor")
    run("find", "tiny")
    pulled = json.loads(run("pull", f"{REPO}:Q4_1", "--json"))
    run("chat", "Hello", "-m", pulled["id"], "--max-tokens", "4", "--save")
    run("index", "add", "House", str(folder / "House"))
    run("search", "House", "rent")
    run("chat", "What is the rent?", "-c", "House", "--max-tokens", "8")
    run("rm", pulled["id"])
    run("ledger")


def in_the_window(folder: Path) -> None:
    """The same by clicks and typing."""
    app = QApplication([])
    person = Person(folders())
    person.open()
    person.wiring.show_page("models")
    person.type_in("models_search", REPO)
    until(lambda: person.sees("get_tiny_q4_1_gguf"), limit_s=120, says="the repository was not shown")
    person.click("get_tiny_q4_1_gguf")
    until(lambda: person.sees("download_use"), 60, "the download did not end")
    person.click("download_use")
    until(lambda: person.wiring.models.model.repo == REPO)
    until(lambda: person.sees("composer_text"), says="using a model did not lead to a chat")
    person.new_chat()
    person.ask("Hello")
    person.wiring.documents.add("Papers", [str(folder / "House")])
    person.read("Papers")
    person.new_chat(collections=("Papers",))
    person.ask("What is the rent?")
    person.close()
    app.quit()


def run(*arguments: str) -> str:
    """One command; it must work."""
    return subprocess.run(
        [sys.executable, "-m", "desktop_llm", *arguments], check=True, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    main()

"""A whole session with a hub on this machine, to be traced: find, get, load, chat, read documents, ask them, close.

python -m tests.end2end.full_session FOLDER      prints the ledger's hosts, one a line
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from PySide6.QtWidgets import QApplication

from desktop_llm.models.library import Library
from desktop_llm.net.ledger import Ledger
from desktop_llm.paths import folders
from tests.end2end.person import Person, until
from tests.hub import LocalHub
from tests.known_machine import say_measured
from tests.sample_documents import write_samples

REPO = "maker/Tiny-GGUF"


def main() -> None:
    """Do everything that a person does, first in the terminal, then in the window."""
    folder = Path(sys.argv[1])
    os.environ |= {"DESKTOP_LLM_HOME": str(folder / "home"), "HOME": str(folder), "QT_QPA_PLATFORM": "offscreen"}
    with LocalHub() as hub:
        hub.add(REPO, {"tiny-Q4_1.gguf": Library(folders()).starter().path, "README.md": b"# Tiny"})
        os.environ["HF_ENDPOINT"] = hub.url
        say_measured(folders())
        in_the_terminal(folder)
        in_the_window(folder)
    hosts = sorted({entry.host for entry in Ledger(folders().ledger_db).entries()})
    Path(sys.argv[2]).write_text("\n".join(hosts))


def in_the_terminal(folder: Path) -> None:
    """Run each command once."""
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
    """Do the same by clicking and typing."""
    app = QApplication([])
    person = Person(folders())
    person.open()
    person.go("models")
    person.type_in("models_search", REPO)
    until(lambda: person.sees("get_tiny_q4_1_gguf"), limit_s=120, says="the repository was not shown")
    person.click("get_tiny_q4_1_gguf")
    until(lambda: person.sees("download_use"), 60, "the download did not end")
    person.click("download_use")
    until(lambda: (model := person.wiring.models.model) is not None and model.repo == REPO)
    until(lambda: person.sees("composer_text"), says="using a model did not lead to a chat")
    person.new_chat()
    person.ask("Hello")
    person.wiring.collections.add("Papers", [str(folder / "House")])
    person.read("Papers")
    person.new_chat(collections=("Papers",))
    person.ask("What is the rent?")
    person.close()
    app.quit()


def run(*arguments: str) -> str:
    """Run one command, which must succeed; returns its output."""
    return subprocess.run(
        [sys.executable, "-m", "desktop_llm", *arguments], check=True, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    main()

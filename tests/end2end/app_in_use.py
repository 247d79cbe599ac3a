"""The whole app in use, to be killed: it sends messages and reads a folder, and prints what is safely stored.

python -m tests.end2end.app_in_use FOLDER      (with DESKTOP_LLM_HOME)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from desktop_llm.conversation.open_chat import Answering
from desktop_llm.gui.app import run_window
from desktop_llm.gui.build import Wiring

COLLECTION = "Papers"


class Person(QObject):
    """Sends one message after the other, and has a folder read meanwhile."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def begin(self, wiring: Wiring) -> None:
        self.wiring = wiring
        wiring.models.held_back.connect(lambda model, _: wiring.models.use(model.id))  # a kill may hit its start
        self.wiring.conversations.change(sampling={"max_tokens": 12})
        self.wiring.chat.answering_changed.connect(self.on_answering)
        self.wiring.collections.add(COLLECTION, [str(self.folder)])
        QTimer.singleShot(300, self.write_once_there_is_a_model)

    def write_once_there_is_a_model(self) -> None:
        if self.wiring.models.model is None:
            QTimer.singleShot(100, self.write_once_there_is_a_model)
        else:
            self.write()

    def on_answering(self, answering: Answering) -> None:
        # Both are stored by now; the list of messages is updated in the same turn of the event loop.
        QTimer.singleShot(0, self.say_stored)
        if not answering.chats:
            QTimer.singleShot(0, self.write)

    def say_stored(self) -> None:
        """Print what is stored; the killer holds the app to it."""
        for message in self.wiring.chat._feed.messages[-2:]:
            if message.role == "user" or message.status == "complete":
                print(json.dumps({message.role: message.id, "text": message.text}), flush=True)  # noqa: T201

    def write(self) -> None:
        self.wiring.chat.send("Say something about the sea.")


def main() -> int:
    """Open the window and use it until somebody ends it."""
    person = Person(Path(sys.argv[1]))
    return run_window(on_ready=person.begin)


if __name__ == "__main__":
    sys.exit(main())

"""A process that writes a conversation for ever and says on stdout what is saved; the kill tests end it anywhere.

Each line is JSON: {"user": id} or {"answer": id, "pieces": n} once the method that stored it has returned.
"""

import json
import sys
from pathlib import Path

from desktop_llm.chats.store import ChatStore
from desktop_llm.message import Text

PIECE = "word after word "


def acknowledge(**saved: object) -> None:
    sys.stdout.write(json.dumps(saved) + "\n")
    sys.stdout.flush()


def main() -> None:
    store = ChatStore(Path(sys.argv[1]))
    store.recover()
    while True:
        chat, parent = store.create(title="A chat"), None
        for turn in range(5):
            asked = store.add(chat.id, parent, "user", [Text(f"question {turn}")])
            acknowledge(user=asked.id)
            answer = store.add(chat.id, asked.id, "assistant", status="streaming")
            for pieces in range(1, 6):
                store.append(answer.id, [Text(PIECE)])
                acknowledge(answer=answer.id, pieces=pieces)
            parent = store.finish(answer.id, "complete").id


if __name__ == "__main__":
    main()

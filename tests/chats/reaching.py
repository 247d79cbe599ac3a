"""Every text that a person can reach in the window: all chats, and all branches of each."""

from desktop_llm.chats.export import to_markdown
from desktop_llm.chats.store import ChatStore


def reachable(store: ChatStore) -> list[str]:
    """The texts of all messages that can be reached with the arrows of branches; what each chat shows is exported."""
    texts: dict[str, str] = {}
    for chat in store.conversations():
        waiting = [""]
        while waiting:
            branch = waiting.pop()
            if branch in texts:
                continue
            if branch:
                store.choose_branch(branch)
            messages = store.messages(chat.id)
            exported = "" if branch else to_markdown(store.conversation(chat.id), messages)
            assert branch or exported.count("\n## ") >= len(messages)
            for message in messages:
                if message.id not in texts:
                    texts[message.id] = message.text
                    waiting += [other for other in store.siblings(message.id) if other not in texts]
    return sorted(texts.values())

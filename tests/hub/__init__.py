"""A small Hugging Face on 127.0.0.1: the parts of its API that the app uses, and a way to make any of them misbehave.

    with LocalHub() as hub:
        hub.add("maker/Tiny-GGUF", {"tiny-Q4_K_M.gguf": data, "README.md": b"# Tiny"}, downloads=12)
        ...  # HF_ENDPOINT=hub.url
        hub.behave("/api/models*", status(503))

`python -m tests.hub FOLDER` serves FOLDER/<owner>/<name>/<files> until Ctrl+C and prints its address. Files that the
real hub keeps in large file storage are answered by a redirect to `cdn_url`, which is another host.
"""

from tests.hub.content import Blob, Repo
from tests.hub.exchange import Behaviour, Exchange, Seen, cut, silent, status
from tests.hub.server import GOOD_TOKEN, LocalHub

__all__ = [
    "GOOD_TOKEN",
    "Behaviour",
    "Blob",
    "Exchange",
    "LocalHub",
    "Repo",
    "Seen",
    "cut",
    "silent",
    "status",
]

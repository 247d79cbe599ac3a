"""What a person looks at in a collection: pages and passages, the map, the self-test."""

from __future__ import annotations

import json
from typing import Any

from desktop_llm.knowledge import candidates
from desktop_llm.knowledge.collection_map import placed
from desktop_llm.knowledge.pages import Pages
from desktop_llm.knowledge.retrieve import Retriever
from desktop_llm.knowledge.self_test import self_test
from desktop_llm.knowledge.shapes import pack
from desktop_llm.knowledge.sources import self_test_key
from desktop_llm.knowledge.spaces import Spaces
from desktop_llm.knowledge.store import Store
from desktop_llm.steps import Run
from desktop_llm.workers.child import Answer, Reply, Request, Steps
from desktop_llm.workers.protocol import path_from_wire

Data = dict[str, Any]


class Looking:
    """Shows what is stored and found. Each public method answers one kind of request."""

    def __init__(self, store: Store, spaces: Spaces, retriever: Retriever, pages: Pages) -> None:
        self._store = store
        self._spaces = spaces
        self._retriever = retriever
        self._pages = pages

    def passage(self, data: Data) -> Answer:
        found = self._retriever.passage(self._store.collection(data["collection"]), data["chunk"])
        return {"passages": [] if found is None else [pack(found)]}

    def page_picture(self, data: Data) -> Answer:
        answer, pixels = self._pages.picture({**data, "path": path_from_wire(data["path"])})
        return Reply(answer, pixels)

    def page_text(self, data: Data) -> Answer:
        return dict(pack(self._pages.text(path_from_wire(data["path"]), data["page"])))

    def find_on_map(self, data: Data) -> Answer:
        collection = self._store.collection(data["collection"])
        passages = self._retriever.search([collection], data["query"], data["k"])
        chunks = [candidates.chunk_at(self._store, each.document, each.page, each.start) for each in passages]
        return {"chunks": chunks, "passages": pack(passages)}

    def collection_map(self, request: Request) -> Steps:
        """Place a collection's passages in a plane; the body holds the arrays of a CollectionMap."""
        collection = self._store.collection(request.data["collection"])
        steps = Run(placed(self._store, collection, self._spaces.of(collection).fingerprint))
        for _ in steps:
            yield None
        found = steps.result
        columns = (found.chunks, found.points[:, 0], found.points[:, 1], found.labels)
        answer = {"topics": pack(list(found.topics)), "total": found.total, "shown": len(found.chunks)}
        return Reply(answer, b"".join(column.tobytes() for column in columns))

    def self_test(self, request: Request) -> Steps:
        """Ask a collection questions made from its own passages, and keep the outcome."""
        name = request.data["collection"]
        collection = self._store.collection(name)
        embedder = self._spaces.of(collection).embedder
        steps = Run(self_test(self._store, self._retriever, embedder, collection, name, request.data["count"]))
        for asked, total in steps:
            yield {"asked": asked, "total": total}
        found = dict(pack(steps.result))
        if not self._store.read_only:
            self._store.remember(self_test_key(collection), json.dumps(found))
        return found

    def kept_self_test(self, data: Data) -> Answer:
        kept = self._store.remembered(self_test_key(self._store.collection(data["collection"])))
        return {"kept": None if kept is None else json.loads(kept)}

    def texts(self, data: Data) -> Answer:
        return {"texts": [self._pages.beginning(path_from_wire(path), *span) for path, *span in data["spans"]]}

"""The tables of the requests that the knowledge worker answers: at once, or in steps of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from desktop_llm.knowledge.looking import Data
from desktop_llm.knowledge.service import Service
from desktop_llm.workers.child import Answer, Request, Steps

# These requests come before the next step of a run.
AT_ONCE: Mapping[str, Callable[[Service, Data], Answer]] = MappingProxyType(
    {
        "collections": Service.collections,
        "create": Service.create,
        "rename": Service.rename,
        "documents": Service.documents,
        "pause": Service.pause,
        "resume": Service.resume,
        "stop": Service.stop,
        "waiting": Service.waiting,
        "notice": Service.notice,
        "status": Service.status,
        "verify": Service.verify,
        "search": Service.search,
        "retrieve": Service.retrieve,
        "texts": lambda service, data: service.looking.texts(data),
        "find_on_map": lambda service, data: service.looking.find_on_map(data),
        "passage": lambda service, data: service.looking.passage(data),
        "outline": Service.outline,
        "file_count": Service.file_count,
        "file_pieces": Service.file_pieces,
        "kept_self_test": lambda service, data: service.looking.kept_self_test(data),
        "cite": Service.cite,
        "page_picture": lambda service, data: service.looking.page_picture(data),
        "page_text": lambda service, data: service.looking.page_text(data),
        "set_folder": Service.set_folder,
        "relocate": Service.relocate,
        "decide": Service.decide,
        "watch": Service.watch,
        "reranker": Service.reranker,
        "answering": Service.answering,
    }
)
IN_STEPS: Mapping[str, Callable[[Service, Request], Steps]] = MappingProxyType(
    {
        "index": Service.index,
        "remove": Service.remove,
        "remove_document": Service.remove_document,
        "rebuild": Service.rebuild,
        "collection_map": lambda service, request: service.looking.collection_map(request),
        "changes": Service.changes,
        "count_patterns": Service.count_patterns,
        "forget": Service.forget,
        "self_test": lambda service, request: service.looking.self_test(request),
        "choose_model": Service.choose_model,
        "reembed": Service.reembed,
    }
)

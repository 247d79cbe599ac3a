"""What each family of embedding models demands: what to write before a question and before a passage.

Models are trained with these words, and find much less without them. A family is recognised by the names in a file's
metadata and by the file's own name. Sources are the makers' model cards on huggingface.co, as of November 2026:

- e5: intfloat/multilingual-e5-small, "query: " and "passage: "; its -instruct variants as
  intfloat/multilingual-e5-large-instruct, an instruction before the question alone;
- nomic: nomic-ai/nomic-embed-text-v1.5 and -v2-moe, "search_query: " and "search_document: ";
- bge: BAAI/bge-small-en-v1.5 and bge-small-zh-v1.5, an instruction before the question; BAAI/bge-m3 takes none;
- arctic: Snowflake/snowflake-arctic-embed-m has bge's instruction, -embed-m-v2.0 "query: " before the question;
- mxbai: mixedbread-ai/mxbai-embed-large-v1, bge's instruction;
- qwen3: Qwen/Qwen3-Embedding-0.6B, an instruction before the question, and a token that ends every text;
- embeddinggemma: google/embeddinggemma-300m, a task before the question, a title before the passage.

Other families (MiniLM, gte, granite, jina v2) are trained without.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

RECIPE = 1
"""Part of each fingerprint: raise it whenever a change here makes other vectors of the same text."""

MANY_LANGUAGES = 100_000
"""A vocabulary this large is one for many languages: XLM-R's has 250,000 tokens, Qwen3's 152,000, Gemma's 262,000;
those for English alone have 30,000 to 50,000."""

_SEARCHING = "Represent this sentence for searching relevant passages: "
_TASK = "Given a web search query, retrieve relevant passages that answer the query"


@dataclass(frozen=True, slots=True)
class Family:
    """What is written before a question and before a passage, and after both."""

    name: str
    query: str = ""
    passage: str = ""
    ending: str = ""


_NONE = Family("")
# The first match counts.
_FAMILIES = (
    (r"e5-(?:\w+-)*instruct", Family("e5-instruct", f"Instruct: {_TASK}\nQuery: ")),
    (r"(?<![a-z0-9])e5(?![a-z0-9])", Family("e5", "query: ", "passage: ")),
    (r"nomic-embed|nomic-bert", Family("nomic", "search_query: ", "search_document: ")),
    (r"bge-m3|bge-\w+-m3", _NONE),
    (r"bge-(?:\w+-)?zh", Family("bge-zh", "为这个句子生成表示以用于检索相关文章：")),
    (r"bge-(?:micro|small|base|large)", Family("bge", _SEARCHING)),
    (r"arctic-embed-(?:\w+-)?v2", Family("arctic-2", "query: ")),
    (r"arctic-embed", Family("arctic", _SEARCHING)),
    (r"mxbai-embed", Family("mxbai", _SEARCHING)),
    (r"qwen3-embedding", Family("qwen3", f"Instruct: {_TASK}\nQuery:", ending="<|endoftext|>")),
    (
        r"embedding-?gemma|gemma-embedding",
        Family("embeddinggemma", "task: search result | query: ", "title: none | text: "),
    ),
)


def family_of(names: Iterable[str]) -> Family:
    """The family of a model with these names; one that demands nothing if it is not known."""
    told = " ".join(re.sub(r"[\s_./]+", "-", name.lower()) for name in names)
    return next((family for pattern, family in _FAMILIES if re.search(pattern, told)), _NONE)

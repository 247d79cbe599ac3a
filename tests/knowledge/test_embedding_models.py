"""Collections with embedding models of their own: choosing one, its work beside the search, and its failures."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from desktop_llm.errors import UserError
from desktop_llm.knowledge.client import Knowledge
from desktop_llm.knowledge.embed import Embedder, Vectors, starter_files
from desktop_llm.knowledge.families import family_of
from desktop_llm.knowledge.gguf_embedder import GgufModel, ModelFile
from desktop_llm.knowledge.indexing import Controls
from desktop_llm.knowledge.reembedding import fill
from desktop_llm.knowledge.rerank import Reranker, reordered
from desktop_llm.knowledge.store import Store
from desktop_llm.models.gguf import read_header
from desktop_llm.paths import Folders
from desktop_llm.workers.protocol import Message
from tests.knowledge.conftest import read_all
from tests.knowledge.tiny_embedders import RANK, tiny_embedder

RENT_IN_GERMAN = "Wie hoch ist die Miete"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_embedder(tmp_path / "tiny.gguf")


def test_a_question_in_another_language_is_answered_once_the_chosen_model_took_over(
    knowledge: Knowledge, documents: Path, model: Path
) -> None:
    read_all(knowledge.index("docs", [documents]))
    assert knowledge.choose_model("docs", "Tiny", model).next_model == "Tiny"
    assert knowledge.status("docs")[0].model == "all-MiniLM-L6-v2"
    assert knowledge.search(["docs"], "rent of the lease")[0].document.endswith("lease.txt")
    report = read_all(knowledge.reembed("docs"))
    assert (report.model, report.next_model, report.problem) == ("Tiny", "", "")
    assert knowledge.search(["docs"], RENT_IN_GERMAN)[0].document.endswith("lease.txt")
    assert knowledge.search(["docs"], "Wo lebt der Kabeljau")[0].document.endswith("cod.md")
    assert not knowledge.verify("docs").failed


def test_vectors_of_the_model_before_go_and_come_back_with_it(
    knowledge: Knowledge, data_folders: Folders, documents: Path, model: Path
) -> None:
    read_all(knowledge.index("docs", [documents]))
    knowledge.choose_model("docs", "Tiny", model)
    read_all(knowledge.reembed("docs"))
    assert len(_fingerprints(data_folders)) == 1
    knowledge.choose_model("docs")
    assert read_all(knowledge.reembed("docs")).model == "all-MiniLM-L6-v2"
    assert _fingerprints(data_folders) == {starter_files().fingerprint}
    assert not knowledge.verify("docs").failed


def test_files_read_later_are_embedded_by_the_collections_model(
    knowledge: Knowledge, documents: Path, model: Path, tmp_path: Path
) -> None:
    read_all(knowledge.index("docs", [documents / "cod.md"]))
    read_all(knowledge.index("other", [documents / "lease.txt"]))
    knowledge.choose_model("docs", "Tiny", model)
    read_all(knowledge.reembed("docs"))
    assert read_all(knowledge.index("docs", [documents])).documents == 3  # one of them is known from the other one
    assert knowledge.search(["docs"], RENT_IN_GERMAN)[0].document.endswith("lease.txt")
    assert not knowledge.verify("docs").failed
    assert not knowledge.verify("other").failed


def test_collections_with_different_models_are_searched_together(
    knowledge: Knowledge, documents: Path, model: Path
) -> None:
    read_all(knowledge.index("one", [documents / "bread.txt"]))
    read_all(knowledge.index("other", [documents / "lease.txt"]))
    knowledge.choose_model("other", "Tiny", model)
    read_all(knowledge.reembed("other"))
    for question, document in (("How does bread rise?", "bread.txt"), ("How much is the rent?", "lease.txt")):
        found = knowledge.search(["one", "other"], question)
        assert found[0].document.endswith(document)
        assert len(found) == 2


def test_a_model_that_is_gone_costs_one_sentence_and_keywords_still_find(
    knowledge: Knowledge, documents: Path, model: Path
) -> None:
    read_all(knowledge.index("docs", [documents]))
    knowledge.choose_model("docs", "Tiny", model)
    read_all(knowledge.reembed("docs"))
    knowledge.close()
    model.unlink()
    assert knowledge.search(["docs"], "notice in writing")[0].document.endswith("lease.txt")
    assert knowledge.status("docs")[0].problem == f"Tiny is not there any more ({model})."
    (documents / "new.txt").write_text("The key is under the mat.")
    assert read_all(knowledge.index("docs", [documents])).documents == 4
    assert knowledge.search(["docs"], "key under the mat")[0].document.endswith("new.txt")
    tiny_embedder(model)
    knowledge.choose_model("docs", "Tiny", model)
    assert read_all(knowledge.reembed("docs")).problem == ""


def test_stopping_keeps_the_model_before(
    knowledge: Knowledge, data_folders: Folders, documents: Path, model: Path
) -> None:
    read_all(knowledge.index("docs", [documents]))
    knowledge.choose_model("docs", "Tiny", model)
    knowledge.choose_model("docs")
    assert (knowledge.status("docs")[0].model, knowledge.status("docs")[0].next_model) == ("all-MiniLM-L6-v2", "")
    assert _fingerprints(data_folders) == {starter_files().fingerprint}


def test_a_file_that_llama_cpp_refuses_changes_nothing(knowledge: Knowledge, documents: Path, model: Path) -> None:
    read_all(knowledge.index("docs", [documents]))
    model.write_bytes(model.read_bytes()[:-3000])
    knowledge.choose_model("docs", "Tiny", model)
    with pytest.raises(UserError, match=r"tiny\.gguf can't be opened"):
        read_all(knowledge.reembed("docs"))
    assert knowledge.search(["docs"], "What does the lease say about rent?")[0].document.endswith("lease.txt")
    assert knowledge.status("docs")[0].model == "all-MiniLM-L6-v2"


def test_a_model_whose_process_dies_is_given_up_in_one_sentence(model: Path) -> None:
    dies = GgufModel(ModelFile.of("Tiny", model), threads=1, command=[sys.executable, "-c", "import os; os.abort()"])
    for _ in range(2):
        with pytest.raises(UserError, match="loading it ended the part that embeds") as caught:
            dies.call("embed", {"texts": ["text"], "ending": ""})
        assert "keywords" in caught.value.text
    assert dies.problem


class Counting(Embedder):
    """The starter under another name; remembers what it embedded."""

    def __init__(self) -> None:
        super().__init__(starter_files(), threads=1)
        self.fingerprint = "other"
        self.texts: list[str] = []

    def embed_batch(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return super().embed_batch(texts)


def test_work_that_was_cut_off_goes_on_and_embeds_nothing_twice(
    knowledge: Knowledge, data_folders: Folders, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.txt").write_text(f"Note {number} is about the harbour and the ships.")
    read_all(knowledge.index("docs", [folder]))
    knowledge.close()
    counting = Counting()
    with _store(data_folders) as store:
        collection = store.collection("docs")
        steps = fill(store, counting, Controls(), collection, model="other")
        for _ in range(6):
            next(steps)
        del steps
        begun = len(counting.texts)
        assert 0 < begun < 12
    with _store(data_folders) as store:
        for _ in fill(store, counting, Controls(), collection, model="other"):
            pass
        assert store.rows("SELECT count(*) FROM vector WHERE fingerprint = 'other'") == [(12,)]
    assert len(counting.texts) <= 13  # the one in hand may be done again
    assert len(set(counting.texts)) == 12


@pytest.mark.parametrize(
    ("names", "query", "passage"),
    [
        (["bert", "Multilingual E5 Small"], "query: ", "passage: "),
        (["bert", "", "multilingual-e5-large-instruct-q8_0"], "Instruct: ", ""),
        (["nomic-bert", "nomic-embed-text-v1.5"], "search_query: ", "search_document: "),
        (["bert", "bge-small-en-v1.5"], "Represent this sentence", ""),
        (["bert", "bge-m3"], "", ""),
        (["qwen3", "Qwen3 Embedding 0.6B"], "Instruct: ", ""),
        (["gemma-embedding", "embeddinggemma-300M"], "task: search result | query: ", "title: none | text: "),
        (["bert", "snowflake-arctic-embed-m-v2.0"], "query: ", ""),
        (["bert", "all-MiniLM-L6-v2"], "", ""),
    ],
)
def test_each_family_gets_the_words_it_was_trained_with(names: list[str], query: str, passage: str) -> None:
    family = family_of(names)
    assert family.query.startswith(query)
    assert bool(family.query) == bool(query)
    assert family.passage == passage


@contextlib.contextmanager
def _store(folders: Folders) -> Iterator[Store]:
    with contextlib.closing(Store(folders.knowledge_db)) as store:
        yield store


def _fingerprints(folders: Folders) -> set[str]:
    with _store(folders) as store:
        return {fingerprint for (fingerprint,) in store.rows("SELECT DISTINCT fingerprint FROM vector")}


def test_a_reranker_puts_the_passage_first_that_its_model_prefers(
    knowledge: Knowledge, documents: Path, tmp_path: Path
) -> None:
    ranker = tiny_embedder(tmp_path / "ranker.gguf", pooling=RANK)
    assert read_header(ranker).kind == "reranker"
    (documents / "lease.txt").write_text("Rent, rent, rent! Rent is rent.")
    read_all(knowledge.index("docs", [documents]))
    question = "cold water along the coasts of Norway"
    assert knowledge.search(["docs"], question)[0].document.endswith("cod.md")
    knowledge.use_reranker("Ranker", ranker)
    assert knowledge.search(["docs"], question)[0].document.endswith("lease.txt")  # all it knows is the word "rent"
    assert knowledge.reranker() == ("Ranker", "")
    knowledge.use_reranker()
    assert knowledge.reranker() == ("", "")
    assert knowledge.search(["docs"], question)[0].document.endswith("cod.md")


class Slow(GgufModel):
    """A reranker that takes some seconds for each passage, by a clock of its own."""

    def __init__(self, seconds: float) -> None:
        super().__init__(ModelFile("Slow", Path("slow.gguf"), "", 0, 0), threads=1, ranks=True)
        self.now, self.seconds = 0.0, seconds

    def call(self, kind: str, data: dict[str, Any]) -> Message:
        passages = data["passages"]
        self.now += self.seconds * len(passages)
        return Message(0, "done", {"scores": [float(len(each)) for each in passages]})

    def time(self) -> float:
        return self.now


def test_as_many_passages_are_read_again_as_fit_into_the_time() -> None:
    for seconds, read in ((0.01, 30), (0.05, 6), (2.0, 0)):
        model = Slow(seconds)
        reranker = Reranker(model, clock=model.time)
        passages = ["x" * length for length in range(40)]
        reranker.scores("question", passages)  # measures
        assert len(reranker.scores("question", passages)) == pytest.approx(read, abs=1)
    assert reordered(5, [0.1, 0.9, 0.5]) == [1, 2, 0, 3, 4]

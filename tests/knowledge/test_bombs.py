"""Files made to break a reader cost nothing but themselves; `tests.benchmarks.bombs` reads all of them."""

from __future__ import annotations

from pathlib import Path

from desktop_llm.knowledge.client import Knowledge
from tests.knowledge.bombs import write
from tests.knowledge.conftest import read_all

REASONS = {
    "count-lie-words.pdf": "Partly read: it says that it has 1,000,000 pages, but none is there after page 1.",
    "kids-loop.pdf": "Empty",
    "xref-loop.pdf": "Damaged",
    "laughs.docx": "Damaged: it declares entities, which no office document does",
    "wide-doctype.docx": "Damaged: it declares entities, which no office document does",
    "foreign-entity.docx": "Damaged: it declares entities, which no office document does",
    "wrong-checksum.docx": "Damaged",
    "pipe.txt": "Not a file",
    "zero.txt": "Not a file",
    "circle.txt": "The system could not read it",
    "sparse-too-large.txt": "Larger than 200 MB",
}
HARMLESS = ("style-loop.docx", "itself", "deep")


def test_bombs_are_named_with_their_reasons_and_the_others_are_read(
    knowledge: Knowledge, documents: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "bombs"
    folder.mkdir()
    bombs = [write(name, folder) for name in (*REASONS, *HARMLESS)]
    read_all(knowledge.index("docs", [*bombs, documents]))
    found = {Path(each.path).name: each for each in knowledge.documents("docs")}
    assert {name for name, each in found.items() if each.status == "ready"} == {
        "bread.txt",
        "cod.md",
        "lease.txt",
        "style-loop.docx",
        "count-lie-words.pdf",
    }
    for name, reason in REASONS.items():
        assert found[name].reason.startswith(reason), found[name].reason
    assert Path(found["d"].path).parts.count("d") == 64
    assert found["d"].reason.startswith("More than 64 folders deep, so what is in this folder was left out")
    (partly,) = [each for each in knowledge.status("docs")[0].failed if each.cause == "partly"]
    assert partly.document.endswith("count-lie-words.pdf")

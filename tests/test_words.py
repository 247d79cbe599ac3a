"""Every sentence for a person is made with `tr`, and appears in the window's language wherever it was made."""

from __future__ import annotations

import ast
import copy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_llm import words
from desktop_llm.errors import ContextOverflow, TransferError, UserError, from_wire, to_wire
from desktop_llm.words import Sentence, from_json, plural, to_json, tr
from desktop_llm.workers.deaths import Part
from desktop_llm.workers.process import Worker

PACKAGE = Path(__file__).parent.parent / "desktop_llm"
ECHO = [sys.executable, str(Path(__file__).parent / "workers" / "echo_worker.py")]


@pytest.fixture
def marked() -> Iterator[None]:
    """A language in which every template stands in ⟦⟧."""
    words.use_translator(lambda template, number: f"⟦{template}⟧")
    yield
    words.use_translator(lambda template, number: template)


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker([], Part("The echo"), command=ECHO)
    yield worker
    worker.close()


def test_a_sentence_is_text_that_keeps_its_template_and_values() -> None:
    sentence = tr("{name} has {count:,} layers", name="a.gguf", count=1200)
    assert sentence == "a.gguf has 1,200 layers"
    assert (sentence.template, sentence.values) == ("{name} has {count:,} layers", {"name": "a.gguf", "count": 1200})


def test_a_text_without_values_keeps_its_braces() -> None:
    assert tr("{count} files").format(count=3) == "3 files"


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        tr("No model is loaded."),
        tr("{file} needs {size:.1f} MB", file=Path("/a b"), size=2.25),
        tr("{name} is damaged: it {what}.", name="a", what=tr("claims {layers:,} layers", layers=9000)),
    ],
)
def test_a_text_comes_back_from_json_as_it_was(text: str) -> None:
    back = from_json(to_json(text))
    assert (back, type(back)) == (text, type(text))
    assert to_json(back) == to_json(text)


def test_a_copied_sentence_is_still_one() -> None:
    again = copy.deepcopy(tr("{name} is gone", name="a"))
    assert isinstance(again, Sentence)
    assert to_json(again) == {"template": "{name} is gone", "values": {"name": "a"}}


def test_a_stored_sentence_is_read_in_the_language_of_today(request: pytest.FixtureRequest) -> None:
    stored = to_json(tr("{name} is damaged: it {what}.", name="a", what=tr("ends too early")))
    request.getfixturevalue("marked")
    assert from_json(stored) == "⟦a is damaged: it ⟦ends too early⟧.⟧"


def test_a_translation_with_a_slip_falls_back_to_the_sentence_itself(marked: None) -> None:
    words.use_translator(lambda template, number: template.replace("{name}", "{nmae}"))
    assert tr("{name} is gone", name="a") == "a is gone"


@pytest.mark.usefixtures("marked")
def test_a_sentence_raised_in_a_child_arrives_translated_with_what_is_nested_in_it(worker: Worker) -> None:
    with pytest.raises(UserError) as caught:
        worker.call("refuse", {"thing": "lamp"})
    assert caught.value.title == "⟦The lamp is broken: ⟦it has 2 cracks⟧.⟧"
    assert caught.value.text == "⟦Nothing else is. Change the bulb.⟧"
    assert caught.value.message == str(caught.value)
    with pytest.raises(ContextOverflow, match="⟦This message needs 9,000 tokens"):
        worker.call("refuse", {"overflow": True})


def test_the_words_follow_the_number() -> None:
    assert [plural("%n file", "%n files", n) for n in (0, 1, 2, 1200)] == [
        "0 files",
        "1 file",
        "2 files",
        "1,200 files",
    ]
    assert plural("%n file of {name}", "%n files of {name}", 1, name="a") == "1 file of a"


def test_a_language_may_have_more_forms_than_english(marked: None) -> None:
    words.use_translator(lambda template, number: "%n Dateien" if number > 1 else "eine Datei")
    assert [plural("%n file", "%n files", n) for n in (1, 2)] == ["eine Datei", "2 Dateien"]
    assert from_json(to_json(plural("%n file", "%n files", 1))) == "eine Datei"


def test_an_error_of_plain_text_crosses_the_wire_too() -> None:
    error = from_wire({"error": "TransferError", "title": "No way.", "cause": "timeout"})
    assert isinstance(error, TransferError)
    assert (error.message, error.cause, error.details) == ("No way.", "timeout", "")
    assert to_wire(UserError("No way.", details="why")) == {
        "error": "UserError",
        "title": "No way.",
        "text": "",
        "action": "",
        "details": "why",
    }


def _name(node: ast.expr | None) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def _user_errors(trees: dict[Path, ast.Module]) -> set[str]:
    """The names of UserError and of all classes below it."""
    classes = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    found, before = {"UserError"}, 0
    while len(found) > before:
        before = len(found)
        found |= {each.name for each in classes if found & {_name(base) for base in each.bases}}
    return found


def _is_bare(node: ast.expr) -> bool:
    """Whether it is a literal with a space, one with values put in, or one that is filled in by hand."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and " " in node.value
    if isinstance(node, ast.BinOp | ast.IfExp | ast.BoolOp):
        return any(_is_bare(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr == "format" and _is_bare(node.func.value)
    return isinstance(node, ast.JoinedStr) and any(map(_is_bare, node.values))


def _is_logged(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and _name(function.value) == "log"


def _bare_messages(tree: ast.Module, errors: set[str], builders: set[str]) -> Iterator[int]:
    """The lines of calls with bare text as title or text, or as any argument of a function that makes an error."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in errors:
            calls = [call for call in ast.walk(node) if isinstance(call, ast.Call) and _name(call.func) == "__init__"]
            yield from (call.lineno for call in calls if any(map(_is_bare, call.args[:2])))
        if isinstance(node, ast.Call) and _name(node.func) in errors | builders and not _is_logged(node.func):
            given = node.args if _name(node.func) in builders else node.args[:2]
            named = [keyword.value for keyword in node.keywords if keyword.arg in ("title", "text", "reason", "what")]
            if any(map(_is_bare, [*given, *named])):
                yield node.lineno


def test_no_sentence_of_an_error_is_made_without_tr() -> None:
    trees = _trees()
    errors = _user_errors(trees)
    functions = [
        node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.returns
    ]
    builders = {node.name for node in functions if _name(node.returns) in errors}
    bare = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path, tree in trees.items()
        for line in _bare_messages(tree, errors, builders)
    ]
    assert bare == []


def test_a_template_is_always_a_literal_so_that_it_can_be_found_and_translated() -> None:
    glued = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path, tree in _trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _name(node.func) == "tr" and node.args
        if not (isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str))
    ]
    assert glued == []

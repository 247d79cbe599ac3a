"""Asks the starter ten first questions of a new person at temperature 0, each in its own chat.

    python -m tests.benchmarks.first_questions [-m ID] [--json]

The program itself asks each question (`desktop-llm chat`), with everything else as it is for a new person. Eight
answers are checked by rule. The other two, an explanation and a poem, are printed for a person to judge. The exit
status is 1 if one of the eight is wrong.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PARAGRAPH = (
    "Honey bees live in large colonies. The workers collect nectar from flowers and turn it into honey. "
    "The honey feeds the colony through the winter."
)
MAX_TOKENS = 300


@dataclass(frozen=True)
class FirstQuestion:
    """A question; `right` tells whether an answer is right, and is None if only a person can tell."""

    text: str
    right: Callable[[str], bool] | None


def says(*alternatives: str) -> Callable[[str], bool]:
    """A check that the answer has one of these as whole words, in upper or lower case."""
    return lambda answer: any(re.search(rf"\b{word}\b", answer, re.IGNORECASE) for word in alternatives)


def is_three_tips(answer: str) -> bool:
    """Whether the answer has a numbered list of three, complete to its end."""
    return re.findall(r"^(\d+)\.", answer, re.MULTILINE) == ["1", "2", "3"] and answer.rstrip()[-1:] in ".!"


def tells_even_numbers(answer: str) -> bool:
    """Whether the code is a Python function that returns if the remainder after division by two is 0; it is not run."""
    block = re.search(r"```(?:python)?\n(.*?)```", answer, re.DOTALL)
    try:
        tree = ast.parse(block[1] if block else answer)
    except SyntaxError:
        return False
    returned = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value is not None]
    defined = any(isinstance(node, ast.FunctionDef) for node in ast.walk(tree))
    return defined and any(re.fullmatch(r"\w+ % 2 == 0", ast.unparse(value)) for value in returned)


def sums_up(answer: str) -> bool:
    """Whether it is one sentence, shorter than the paragraph, that says what the paragraph is about."""
    one = len(re.findall(r"[.!?](?:\s|$)", answer.strip())) == 1
    return one and len(answer) < len(PARAGRAPH) and all(says(word)(answer) for word in ("bees", "honey", "winter"))


QUESTIONS = (
    FirstQuestion("Hello!", says("hello", "hi")),
    FirstQuestion("Who are you?", says("Qwen", "SmolLM", "AI")),
    FirstQuestion("What is the capital of France?", says("Paris")),
    FirstQuestion("Why is the sky blue?", None),
    FirstQuestion("Write a haiku about the sea.", None),
    FirstQuestion("Give me three tips for saving money.", is_three_tips),
    FirstQuestion("Translate into Spanish: The house is big.", says("la casa es grande")),
    FirstQuestion("Write a Python function that checks whether a number is even.", tells_even_numbers),
    FirstQuestion("What is 17 + 25?", says("42")),
    FirstQuestion(f"Summarise this paragraph in one sentence: {PARAGRAPH}", sums_up),
)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-m", "--model", metavar="ID", help="another model than the starter")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        rows = [asked(question, home, chosen.model) for question in QUESTIONS]
    if chosen.json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    checked = [row["right"] for row in rows if row["right"] is not None]
    print(f"{rows[0]['model']}: {sum(checked)} of {len(checked)} are right", file=sys.stderr)
    return 0 if all(checked) else 1


def asked(question: FirstQuestion, home: str, model: str | None) -> dict[str, Any]:
    """The program's answer, and whether it is right; also printed on stderr at once."""
    command = [sys.executable, "-m", "desktop_llm", "--home", home, "chat", question.text, "--json"]
    command += ["--temperature", "0", "--max-tokens", str(MAX_TOKENS), *(["-m", model] if model else [])]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=dict(os.environ), check=True)
    said = json.loads(done.stdout)
    answer = str(said["text"])
    right = question.right(answer) if question.right else None
    mark = {True: "right", False: "WRONG", None: "read it"}[right]
    print(f"[{mark}] {question.text}\n    " + answer.replace("\n", "\n    "), file=sys.stderr, flush=True)
    return {"question": question.text, "answer": answer, "right": right, "model": said["model"]}


if __name__ == "__main__":
    sys.exit(main())

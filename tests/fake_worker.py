"""An engine worker without a model: it uses the real wire, answers in words, and misbehaves as told.

A token is a word with the blank before it. The last message decides what happens: "say: some words" streams these
words, "call: NAME {…}" asks for a tool, "mix: ?" names the adapters that the answer has, "die before: SIGABRT" ends the
worker before the first word, "die: SIGABRT" or "memory" or "stall" or "junk" do so in the middle of an answer. An
answer that has to be JSON lists what stands behind "Note: " in the message. `--crash MODULE` makes a backend crash in
its self-test, `--test-hangs` makes the self-test never end, `--gpu-hangs` that of the GPU alone; `--crash-repacked`
crashes the first decode with extra buffer types, `--stay` refuses to end. `--gpu` has a GPU; its memory is too small
with `--gpu-full`, and it crashes at the load with `--gpu-crashes-at-load` or at the first decode with `--gpu-crashes`.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
from collections.abc import Generator, Sequence
from typing import Any

from desktop_llm.engine.marks import Rendered
from desktop_llm.engine.prompt import Prompt, fit
from desktop_llm.engine.shapes import ChatMessage
from desktop_llm.engine.state import common_prefix
from desktop_llm.engine.streaming import ThinkingSplitter
from desktop_llm.engine.template_messages import for_template
from desktop_llm.errors import LESS_MEMORY, BadRequest, Cancelled, ModelFileError, NotFound, UserError
from desktop_llm.message import ToolResult
from desktop_llm.workers.child import Request, Steps, serve, take_stdout
from desktop_llm.workers.protocol import Message, path_from_wire, write_message

STORY = "Once upon a time there was a model that lived in a small machine and wrote one word after the other."
TRAINED_CONTEXT_LENGTH = 2_048
# As slow as a fast model, so that a stop finds something to stop.
BATCH_S, WORD_S = 0.05, 0.005


class FakeEngine:
    """Does what the real worker does, with words for tokens."""

    def __init__(self, options: Sequence[str], wire: Any) -> None:
        self._options = list(options)
        self._wire = wire
        self._context_length = 0
        self._extra_buffers = True
        self._on_gpu = False
        self._gpu = ["gpu"] if "--gpu" in self._options else []
        self._kept: list[str] = []
        self._busy = False
        self._waiting: list[int] = []

    def machine(self, _request: Request) -> Steps:
        yield None
        return {"key": "a machine of the tests", "modules": ["cpu-fast", "cpu-safe", *self._gpu], "broken": {}}

    def devices(self, request: Request) -> Steps:
        yield None
        return {"devices": self._gpus(request.data["modules"])}

    def selftest(self, request: Request) -> Steps:
        yield None
        if "--test-hangs" in self._options or ("--gpu-hangs" in self._options and "gpu" in request.data["modules"]):
            threading.Event().wait()
        if self._crashes(request.data["modules"]):
            die("SIGILL")
        return {}

    def load(self, request: Request) -> Steps:
        path = path_from_wire(request.data["model"])
        if not path.exists():
            raise ModelFileError(f"{path.name} can't be read from the disk.", "Nothing was lost; choose another.")
        crowd = path.with_suffix(".crowd")
        if str(path) in self._options and not crowd.exists():
            crowd.touch()
            raise UserError("The memory is not enough for this model.", action=LESS_MEMORY)
        for percent in (0, 50, 100):
            yield {"fraction": percent / 100}
        self._extra_buffers = request.data["extra_buffers"]
        gpus = self._gpus(request.data["modules"])
        self._on_gpu = bool(gpus) and request.data["gpu_layers"] != 0 and "--gpu-full" not in self._options
        if self._on_gpu and "--gpu-crashes-at-load" in self._options:
            die("SIGABRT")
        self._context_length = min(TRAINED_CONTEXT_LENGTH, request.data["context_length"] or TRAINED_CONTEXT_LENGTH)
        return {
            "context_length": self._context_length,
            "layers": 1,
            "gpu_layers": 2 if self._on_gpu else 0,
            "gpu_bytes": 1_000 if self._on_gpu else 0,
            "gpus": gpus,
            "memory_bytes": 1_000_000,
            "device": "Fake card" if self._on_gpu else "CPU, 1 thread",
            "backend": ", ".join(request.data["modules"]),
            "load_s": 0.0,
        }

    def measure(self, request: Request) -> Steps:
        yield None
        fitted = self._fit(request.data["messages"], None)
        return {
            "prompt_tokens": len(fitted.tokens),
            "context_length": self._context_length,
            "left_out": fitted.left_out,
            "reserved_tokens": fitted.reserved_tokens,
        }

    def generate(self, request: Request) -> Steps:
        self._waiting.append(request.id)
        try:
            told = 0
            while self._busy or self._waiting[0] != request.id:
                place = self._waiting.index(request.id) + 1
                yield {"event": "in_line", "place": place} if place != told else None
                told = place
        finally:
            self._waiting.remove(request.id)
        self._busy = True
        try:
            yield {"event": "begun"}
            return (yield from self._answer(request))
        finally:
            self._busy = False

    def _answer(self, request: Request) -> Steps:
        sampling = request.data["sampling"]
        messages = request.data["messages"]
        fitted = self._fit(messages, sampling["max_tokens"])
        if fitted.left_out:
            yield {"event": "left_out", "messages": fitted.left_out}
        if "--crash-repacked" in self._options and self._extra_buffers:
            die("SIGSEGV")
        if "--gpu-crashes" in self._options and self._on_gpu:
            die("SIGABRT")
        order, _, name = ChatMessage.from_json(messages[-1]).text.partition(": ")
        if order == "die before":
            die(name)
        words = fitted.text.split()
        cached = common_prefix(self._kept, words[:-1])
        said: list[str] = []
        reason = "cancelled"
        try:
            for done in sorted({(len(words) + cached) // 2, len(words)}):
                request.cancelled.wait(BATCH_S)
                yield {"event": "prompt", "done": done, "total": len(words), "seconds_left": 0.0}
            reason = yield from self._say_or_call(list(map(ChatMessage.from_json, messages)), request, said)
        except Cancelled:
            pass
        self._kept = [*words, *(piece.strip() for piece in said)]
        return {
            "finish_reason": reason,
            "seed": 7 if sampling["seed"] is None else sampling["seed"],
            "tokens": [token_of(piece) for piece in said],
            "alternatives": self._alternatives(said, request.data["beginning"]) if sampling["alternatives"] else [],
            "usage": {"prompt_tokens": len(words), "completion_tokens": len(said), "cached_tokens": cached},
            "timings": {"ttft_s": 0.1, "prompt_tps": 100.0, "generation_tps": 10.0},
            "memory_bytes": 2_000_000,
        }

    def prepare(self, request: Request) -> Steps:
        yield None
        if not self._busy:
            question = ChatMessage.of("user", "").to_json()
            self._kept = self._fit([*request.data["messages"], question], None).text.split()[:-1]
        return {}

    def bench(self, request: Request) -> Steps:
        yield None
        if request.data["prompt_tokens"] + request.data["tokens"] > self._context_length:
            raise BadRequest("So many tokens don't fit into the context.", "Ask for less.")
        return {
            "prompt_tps": 100.0,
            "generation_tps": 10.0,
            "ttft_s": 0.1,
            "load_s": 0.1,
            "peak_rss_bytes": 1_000_000,
            "backend": "cpu-fast (CPU, 1 thread)",
        }

    def _say_or_call(
        self, messages: Sequence[ChatMessage], request: Request, said: list[str]
    ) -> Generator[dict[str, Any], None, str]:
        """Answer, or call a tool if one is offered: "call: NAME {…}" does so once, "call on: NAME {…}" as long as it
        may, "call for ever" even then. What the tools said is then the answer."""
        question = next(each.text for each in reversed(messages) if each.role == "user")
        order, _, argument = question[max(0, question.find("call")) :].partition(": ")  # passages may stand before it
        results = [part.text for part in messages[-1].parts if isinstance(part, ToolResult)]
        may_ask = not any("Answer the question now" in each for each in results)
        if request.data["tools"] and (
            (order == "call on" and may_ask) or order == "call for ever" or (order == "call" and not results)
        ):
            yield from self._say("say: Let me see.", request, said)
            for call in argument.split(" and "):
                name, _, arguments = call.partition(" ")
                yield {"event": "tool_call", "text": json.dumps({"name": name, "arguments": arguments})}
            return "tool_calls"
        if order.startswith("call"):
            results = results or ["There are no tools."]
        question = "say: " + " ".join(results) if results else messages[-1].text
        return (yield from self._say(question, request, said))

    def _say(self, question: str, request: Request, said: list[str]) -> Generator[dict[str, Any], None, str]:
        order, _, argument = question.partition(": ")
        words = (argument if order == "say" else f"{STORY} " * 100).split()
        if request.data["sampling"]["json_schema"]:
            words = json.dumps({"found": re.findall(r"^Note: (.+)$", question, re.MULTILINE)}).split()
        if order == "mix":
            words = [f"{path_from_wire(one['path']).stem}={one['scale']:g}" for one in request.data["adapters"]]
        splitter = ThinkingSplitter("")
        beginning = request.data["beginning"]
        begun = [*map(piece_of, beginning["tokens"]), *([beginning["text"]] if beginning["text"] else [])]
        pieces = [f"{' ' if index else ''}{word}" for index, word in enumerate(words)]
        for index, piece in enumerate([*begun, *pieces[len(begun) :]]):
            if index == (request.data["sampling"]["max_tokens"] or len(words) + 1):
                return "length"
            if index >= len(begun):
                request.cancelled.wait(WORD_S)
            text = {"event": "text", "text": piece}
            if order == "stall" and index == 2:
                # Sent by the very step that hangs: a stop that answers this word always finds it hanging.
                write_message(self._wire, Message(request.id, "progress", text))
                threading.Event().wait()
            for kind, told in splitter.feed(piece):
                yield {"event": kind, "text": told, "tokens": 1, "seconds": 1.0, "limit": 0}
            said.append(piece)
            if index == 2:
                self._misbehave(order, argument)
        return "stop"

    def alternatives(self, request: Request) -> Steps:
        while self._busy:
            yield None
        data = request.data
        pieces = [piece_of(token) for token in data["tokens"]] or re.findall(r"\s*\S+", data["text"])
        for done in range(len(pieces)):
            yield {"event": "prompt", "done": done, "total": len(pieces), "seconds_left": 0.0}
            if "--alternatives-die" in self._options and done:
                die("SIGKILL")
        return {"alternatives": self._alternatives(pieces, {"tokens": [], "text": ""})}

    def _alternatives(self, said: Sequence[str], beginning: dict[str, Any]) -> list[dict[str, Any]]:
        """Every third word is open, and might have been another one; all others are certain."""
        found: list[dict[str, Any]] = []
        for index, piece in enumerate(said):
            if index < len(beginning["tokens"]):
                continue
            own, share = {"id": token_of(piece), "text": piece}, 0.97 if index % 3 else 0.4
            if index == len(beginning["tokens"]) and beginning["text"]:
                found.append({**own, "probability": None, "likeliest": []})
                continue
            other = {"id": token_of(" other"), "text": " other", "probability": round(0.99 - share, 2)}
            likeliest = [{**own, "probability": share}, other]
            likeliest = likeliest if index % 3 else likeliest[::-1]
            found.append({**own, "probability": share, "likeliest": likeliest})
        return found

    def _misbehave(self, order: str, argument: str) -> None:
        if order == "die":
            die(argument)
        if order == "memory":
            sys.stderr.write(
                "ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 68719476736\n"
            )
            die("SIGABRT")
        if order == "junk":
            self._wire.write(b"llama_context: n_ctx is large, this is no frame at all\n" * 40)
            self._wire.flush()

    def _fit(self, messages: list[dict[str, Any]], max_tokens: int | None) -> Prompt:
        if not self._context_length:
            raise NotFound("No model is loaded.", "Choose one and ask again.")

        def render(kept: Sequence[dict[str, str]]) -> tuple[Rendered, list[int]]:
            text = " ".join(f"<{message['role']}> {message['content']}" for message in kept) + " <assistant>"
            return Rendered(text), [hash(word) for word in text.split()]

        asked = for_template(map(ChatMessage.from_json, messages), str)
        return fit(asked, render, self._context_length, max_tokens)

    def _gpus(self, modules: Sequence[str]) -> list[dict[str, Any]]:
        card = {"name": "Fake0", "description": "Fake card", "kind": "gpu", "backend": "Fake"}
        return [{**card, "total_bytes": 8 << 30, "free_bytes": 1 << 20}] if "gpu" in modules else []

    def _crashes(self, modules: Sequence[str]) -> bool:
        at = [index for index, option in enumerate(self._options) if option == "--crash"]
        return any(self._options[index + 1] in modules for index in at)


def token_of(piece: str) -> int:
    """The number of a word: the word itself."""
    return int.from_bytes(piece.encode(), "big")


def piece_of(token: int) -> str:
    return token.to_bytes((token.bit_length() + 7) // 8, "big").decode()


def die(name: str) -> None:
    sys.stderr.flush()
    number = signal.Signals[name]
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    threading.Event().wait()


def main() -> None:
    wire = take_stdout()
    options = sys.argv[1:]
    if "--stay" in options:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    engine = FakeEngine(options, wire)
    kinds = ("machine", "devices", "selftest", "load", "measure", "generate", "prepare", "bench", "alternatives")
    serve({kind: getattr(engine, kind) for kind in kinds}, wire, urgent=("measure",))


if __name__ == "__main__":
    main()

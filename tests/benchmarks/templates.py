"""Renders every template bomb, and a usual chat: how long, how much memory, and that nothing gets out.

    python -m tests.benchmarks.templates

Each bomb must end in a sentence or a prompt within 3 seconds and with at most 300 MB more than the renderer takes at
rest. Rendering a usual chat of 41 messages must take less than 2 ms.
"""

from __future__ import annotations

import json
import statistics
import threading
import time

import psutil

from desktop_llm.engine.rendering import LimitedTemplate, Renderer
from desktop_llm.errors import UserError
from tests.engine.bombs import BOMBS
from tests.engine.test_templates import HOSTILE_TEMPLATES, TALK

LIMIT_S, LIMIT_BYTES, USUAL_S = 3.0, 300 << 20, 0.002
USUAL = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>\n{% endfor %}"


def measured(renderer: Renderer, source: str) -> tuple[str, float, int]:
    """What came of it, the seconds, and the most memory beyond that at rest."""
    renderer.call({"source": USUAL, "bos": "", "eos": ""}, b"")
    process = psutil.Process(renderer.pid)
    rest = most = process.memory_info().rss
    over = threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.005):
            try:
                most = max(most, process.memory_info().rss)
            except psutil.Error:
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun = time.perf_counter()
    try:
        outcome = LimitedTemplate(source, renderer).render(TALK)
        outcome = "escaped" if "class" in outcome or "uid=" in outcome else "rendered"
    except UserError as error:
        outcome = error.title.split(": ", 1)[-1]
    seconds = time.perf_counter() - begun
    over.set()
    watcher.join()
    return outcome, seconds, most - rest


def main() -> None:
    """Run and print; exits with 1 if a limit is broken."""
    renderer = Renderer()
    results = [(source, *measured(renderer, source)) for source in (*BOMBS, *HOSTILE_TEMPLATES)]
    for source, outcome, seconds, size in results:
        print(f"{seconds:5.2f} s {size >> 20:4} MB  {outcome[:44]:44}  {source[:70]}")
    chat = [{"role": "user" if index % 2 == 0 else "assistant", "content": "word " * 200} for index in range(41)]
    template = LimitedTemplate(USUAL, renderer)
    times = []
    for _ in range(200):
        begun = time.perf_counter()
        template.render(chat)
        times.append(time.perf_counter() - begun)
    renderer.close()
    figures = {
        "bombs": len(BOMBS),
        "escapes_tried": len(HOSTILE_TEMPLATES),
        "escaped": sum(outcome == "escaped" for _, outcome, _, _ in results),
        "slowest_s": max(seconds for _, _, seconds, _ in results),
        "most_bytes": max(size for _, _, _, size in results),
        "usual_ms": statistics.median(times) * 1000,
    }
    print(json.dumps(figures))
    within = figures["slowest_s"] <= LIMIT_S and figures["most_bytes"] <= LIMIT_BYTES
    if figures["escaped"] or not within or figures["usual_ms"] > USUAL_S * 1000:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

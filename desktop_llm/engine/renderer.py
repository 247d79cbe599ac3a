"""The engine's own child: it renders the chat template of a file, which is a stranger's code, within limits.

Only a process can be limited for certain: a template can grow a text in more ways than anybody can list, and one
operation within Python can't be interrupted. So this process may take a little memory more than it starts with, and
the engine ends it when it takes too long (`rendering`).
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path

from desktop_llm.engine.template_messages import unusable
from desktop_llm.engine.templates import ChatTemplate
from desktop_llm.workers import confine
from desktop_llm.workers.child import Reply, Request, Steps, serve, take_stdout


def main() -> None:
    """Serve until the engine is gone; does not return."""
    wire = take_stdout()
    confine.end_first()
    confine.no_power()
    confine.no_core_dumps()
    confine.no_network(connections=False)
    confine.write_only_in()
    serve({"ready": ready, "render": render}, wire)


def ready(request: Request) -> Steps:
    """Limit the memory to so many `extra_bytes`, once every thread of this process has what it needs."""
    yield None
    if sys.platform == "linux":  # macOS takes no notice of such a limit, and Windows has none
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        confine.limit_memory(pages * 4096 + int(request.data["extra_bytes"]))
    return {}


def render(request: Request) -> Steps:
    """The prompt for the messages and variables in the body; without a body, the template is only compiled."""
    yield None
    try:
        template = _template(request.data["source"], request.data["bos"], request.data["eos"])
        if not request.body:
            return {}
        asked = json.loads(request.body.decode("utf-8", "surrogatepass"))
        return Reply({}, template.render(**asked).encode("utf-8", "surrogatepass"))
    except Exception as error:
        raise unusable(error) from error


@cache
def _template(source: str, bos: str, eos: str) -> ChatTemplate:
    return ChatTemplate(source, bos=bos, eos=eos)

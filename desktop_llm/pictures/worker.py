"""The child that opens a stranger's picture: without rights, with bounded memory, for one picture only.

copy {} + the bytes  ->  done {suffix, width, height, original_width, original_height} + the copy's bytes
"""

from __future__ import annotations

from desktop_llm.workers import confine
from desktop_llm.workers.child import Reply, Request, Steps, serve, take_stdout

MEMORY_BYTES = 2 << 30  # of address space; 120 million pixels take 480 MB once, and some steps need them twice


def main() -> None:
    """Give up every right that a decoder should not have, then serve; does not return."""
    wire = take_stdout()
    confine.end_first()
    confine.lower_priority()
    confine.limit_memory(MEMORY_BYTES)
    confine.no_power()
    confine.no_core_dumps()
    confine.no_network(connections=False)
    confine.write_only_in()
    serve({"copy": copy}, wire)


def copy(request: Request) -> Steps:
    """The app's copy of the picture in the body; raises UserError if it can't be read."""
    yield None
    from desktop_llm.pictures.decoding import copy_of

    made = copy_of(request.body)
    (width, height), (original_width, original_height) = made.size, made.original
    told = {"suffix": made.suffix, "width": width, "height": height}
    return Reply({**told, "original_width": original_width, "original_height": original_height}, made.data)

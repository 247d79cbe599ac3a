"""The index brings in no more of Chroma than it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

OPENED = """
import sys
from pathlib import Path
from desktop_llm.knowledge.index import _Folder
folder = _Folder(Path(sys.argv[1]))
assert folder.count() == 0
folder.close()
print(*(name for name in sys.modules if name in ("grpc", "kubernetes") or name.startswith("opentelemetry.exporter")))
"""


def test_nothing_that_could_send_traces_is_loaded(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OPENED, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["opentelemetry.exporter.otlp.proto.grpc.trace_exporter"]

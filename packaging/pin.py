"""Write the versions of a tested resolution into pyproject.toml, as constraints for everything that is installed.

    uv lock --upgrade && ./run test && python packaging/pin.py

uv.lock itself is not committed: it spells out where packages were fetched from. A package that resolves to different
versions on different systems is left to its bounds.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^constraint-dependencies = \[\n.*?^\]\n", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Replace the block of constraints by what uv.lock says."""
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    versions: dict[str, set[str]] = defaultdict(set)
    for package in locked:
        if "editable" not in package["source"]:
            versions[package["name"]].add(package["version"])
    pins = [f'    "{name}=={next(iter(found))}",\n' for name, found in sorted(versions.items()) if len(found) == 1]
    project = ROOT / "pyproject.toml"
    text = project.read_text()
    block = "constraint-dependencies = [\n" + "".join(pins) + "]\n"
    if BLOCK.search(text):
        text = BLOCK.sub(lambda _: block, text)
    else:
        comment = "# Made by packaging/pin.py from a tested resolution.\n"
        text = text.replace("[tool.uv]\n", f"[tool.uv]\n{comment}{block}", 1)
    project.write_text(text)


if __name__ == "__main__":
    main()

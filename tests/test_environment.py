"""A token from the environment serves its process, and nobody else finds it there."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

LOOK = """
import contextlib, json, os, subprocess, sys
from desktop_llm import __main__ as program, cli, environment
def look(options, home):
    child = subprocess.run([sys.executable, "-c", "import os; print(dict(os.environ))"], capture_output=True, text=True)
    own = ""
    with contextlib.suppress(OSError):  # only the superuser may read it by now
        own = open("/proc/self/environ", "rb").read().decode()
    print(json.dumps([environment.token(), child.stdout, own, dict(os.environ)]))
cli.ledger = look
program.main(["ledger"])
"""


@pytest.mark.skipif(os.name != "posix", reason="the environment is overwritten where the system put it")
@pytest.mark.parametrize("name", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"])
def test_a_token_leaves_the_environment_before_anything_else_happens(name: str) -> None:
    environment = {**os.environ, name: "hf_secret", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", LOOK], env=environment, capture_output=True, text=True, check=True)
    token, *places = json.loads(done.stdout)
    assert token == "hf_secret"
    assert [place for place in places if "hf_secret" in str(place)] == []
    assert "PATH" in str(places[-1])

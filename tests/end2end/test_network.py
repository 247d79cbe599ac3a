"""Nothing leaves but what the ledger holds: the kernel's view of a whole session against the app's own record."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from tests.end2end.network_trace import Peer, cannot_trace, peers_of

pytestmark = pytest.mark.skipif(bool(reason := cannot_trace()), reason=reason or "it can be traced")

PLANTED = """
import contextlib, socket
for address in (("93.184.216.34", 443), ("2606:2800:21f::1", 443)):
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET) as far:
        far.connect(address)
with contextlib.suppress(OSError):
    socket.getaddrinfo("telemetry.example.com", 443)
"""


def outside(peers: set[Peer]) -> set[Peer]:
    """Those that are not this machine, and whoever was asked for a name."""
    return {peer for peer in peers if not peer.on_this_machine or peer.port == 53}


def test_planted_connections_are_seen() -> None:
    found = outside(peers_of([sys.executable, "-c", PLANTED], os.environ))
    assert {Peer("93.184.216.34", 443), Peer("2606:2800:21f::1", 443)} <= found
    assert any(peer.port == 53 for peer in found)


@pytest.mark.timeout(600)
def test_a_whole_session_reaches_nobody_but_whom_the_ledger_names(tmp_path: Path) -> None:
    said = tmp_path / "hosts"
    session = [sys.executable, "-m", "tests.end2end.full_session", str(tmp_path), str(said)]
    peers = peers_of(session, os.environ, timeout_s=580)
    assert not outside(peers)
    named = {place for host in said.read_text().split() for place in places(host)}
    assert named, "the session fetched a model"
    assert {(peer.address, peer.port) for peer in peers} == named


def places(host: str) -> set[tuple[str, int]]:
    """The addresses of a host of the ledger."""
    name, _, port = host.rpartition(":")
    return {(str(found[4][0]), int(port)) for found in socket.getaddrinfo(name, int(port), socket.AF_INET)}


def test_the_offline_switch_refuses_before_anything_is_tried(tmp_path: Path) -> None:
    settings = tmp_path / "home" / "data" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"version": 1, "offline": true}')
    env = {**os.environ, "DESKTOP_LLM_HOME": str(tmp_path / "home"), "HF_ENDPOINT": "https://hub.example.com"}
    code = (
        "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-m', 'desktop_llm', 'find', 'tiny'],"
        f" stderr=open({str(tmp_path / 'said')!r}, 'w')).returncode != 1)"
    )
    assert not peers_of([sys.executable, "-c", code], env)
    assert "Offline is on" in (tmp_path / "said").read_text()


def test_opening_the_window_reaches_nobody(tmp_path: Path) -> None:
    code = "from desktop_llm.gui.app import run_window\nimport os\nrun_window(on_ready=lambda: os._exit(0))"
    env = {**os.environ, "DESKTOP_LLM_HOME": str(tmp_path / "home")}
    assert not peers_of([sys.executable, "-c", code], env)

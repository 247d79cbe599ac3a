"""Nothing leaves that is not in the ledger: the kernel's view of a whole session against the app's own record."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from tests.end2end.network_trace import Peer, cannot_trace, tried_by

pytestmark = pytest.mark.skipif(bool(reason := cannot_trace()), reason=reason or "it can be traced")

PLANTED = """
import contextlib, ctypes, socket
from socket import AF_INET, AF_INET6, SOCK_DGRAM, SOCK_RAW
def tried(action):
    with contextlib.suppress(OSError):
        action()
tried(lambda: socket.socket(AF_INET).connect(("93.184.216.34", 443)))
tried(lambda: socket.socket(AF_INET6).connect(("2606:2800:21f::1", 443)))
tried(lambda: socket.getaddrinfo("telemetry.example.com", 443))
tried(lambda: socket.socket(AF_INET, SOCK_DGRAM).connect(("192.0.2.1", 9)))
tried(lambda: socket.socket(AF_INET, SOCK_DGRAM).sendto(b"diary", ("192.0.2.2", 9)))
tried(lambda: socket.socket(AF_INET6, SOCK_DGRAM).sendmsg([b"diary"], [], 0, ("2001:db8::3", 9)))
tried(lambda: socket.socket(AF_INET).bind(("0.0.0.0", 0)))
tried(lambda: socket.socket(socket.AF_PACKET, SOCK_RAW, 0x0300))
tried(lambda: socket.socket(socket.AF_VSOCK))
tried(lambda: socket.socket(44, SOCK_RAW))
ctypes.CDLL(None).syscall(425, 1, ctypes.create_string_buffer(120))
tried(lambda: socket.socket(AF_INET).connect(("127.0.0.1", 9)))
socket.socketpair()
"""


def outside(peers: set[Peer]) -> set[Peer]:
    """The peers outside this machine, and the name servers that were asked."""
    return {peer for peer in peers if not peer.on_this_machine or peer.port == 53}


def test_planted_connections_are_seen() -> None:
    tried = tried_by([sys.executable, "-c", PLANTED], os.environ)
    found = outside(tried.peers)
    asked = {peer for peer in found if peer.port == 53}
    assert asked
    assert found - asked == {
        Peer("93.184.216.34", 443),
        Peer("2606:2800:21f::1", 443),
        Peer("192.0.2.1", 9),
        Peer("192.0.2.2", 9),
        Peer("2001:db8::3", 9),
    }
    wanted = {"io_uring_setup", "bind", "socket(AF_PACKET", "socket(AF_VSOCK", "socket(AF_XDP"}
    assert tried.other_ways == wanted


@pytest.mark.timeout(600)
def test_a_whole_session_reaches_nobody_but_whom_the_ledger_names(tmp_path: Path) -> None:
    said = tmp_path / "hosts"
    session = [sys.executable, "-m", "tests.end2end.full_session", str(tmp_path), str(said)]
    tried = tried_by(session, os.environ, timeout_s=580)
    peers = tried.peers
    assert not outside(peers)
    assert not tried.other_ways
    named = {place for host in said.read_text().split() for place in places(host)}
    assert named, "the session fetched a model"
    assert {(peer.address, peer.port) for peer in peers} == named


def places(host: str) -> set[tuple[str, int]]:
    """The addresses of a host in the ledger."""
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
    tried = tried_by([sys.executable, "-c", code], env)
    assert not tried.peers | tried.other_ways
    assert "Offline is on" in (tmp_path / "said").read_text()


def test_opening_the_window_reaches_nobody(tmp_path: Path) -> None:
    code = "from desktop_llm.gui.app import run_window\nimport os\nrun_window(on_ready=lambda _: os._exit(0))"
    env = {**os.environ, "DESKTOP_LLM_HOME": str(tmp_path / "home")}
    tried = tried_by([sys.executable, "-c", code], env)
    assert not tried.peers | tried.other_ways

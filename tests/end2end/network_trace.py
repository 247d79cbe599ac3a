"""Which hosts a program tried to reach, told by the kernel: a run under strace, in a network namespace with no way out.

    python -m tests.end2end.network_trace COMMAND…      prints each peer that was tried, one a line

An attempt counts even where it fails. Names are looked up over port 53, so a look-up is an attempt as well.
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PEER = re.compile(
    r"sa_family=AF_INET6?, sin6?_port=htons\((?P<port>\d+)\).*?"
    r'(?:inet_addr\("(?P<v4>[0-9.]+)"\)|inet_pton\(AF_INET6, "(?P<v6>[0-9a-f:.]+)")'
)
_CALLS = "connect,sendto,sendmsg,sendmmsg"
_UP_AND_RUNNING = 0x1 | 0x40
_SIOCSIFFLAGS = 0x8914


@dataclass(frozen=True, slots=True, order=True)
class Peer:
    """Whom a program tried to reach."""

    address: str
    port: int

    @property
    def on_this_machine(self) -> bool:
        return ipaddress.ip_address(self.address).is_loopback

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def cannot_trace() -> str:
    """Why nothing can be traced here; empty where it can."""
    if sys.platform != "linux" or not shutil.which("strace") or not shutil.which("unshare"):
        return "strace and unshare are needed"
    works = subprocess.run(["unshare", "-rn", "strace", "-qq", "-o", os.devnull, "true"], capture_output=True)
    return "" if works.returncode == 0 else "this machine allows no network namespace, or no tracing"


def peers_of(command: Sequence[str], env: Mapping[str, str], timeout_s: float = 170) -> set[Peer]:
    """Run a program with loopback and nothing else, and tell whom it and its children tried to reach."""
    with tempfile.NamedTemporaryFile(mode="r", suffix=".trace", errors="replace") as trace:
        # A datagram socket that is connected and never written to is how a library asks for a route; it counts too.
        options = ["-f", "--seccomp-bpf", "-qq", "-e", f"trace={_CALLS}", "-e", "signal=none", "-o", trace.name]
        inside = [sys.executable, "-m", __name__ if __name__ != "__main__" else "tests.end2end.network_trace"]
        subprocess.run(
            ["unshare", "-rn", *inside, "--loopback", "strace", *options, *command],
            env=dict(env),
            check=True,
            timeout=timeout_s,
            cwd=Path(__file__).parents[2],
        )
        return {Peer(found["v4"] or found["v6"], int(found["port"])) for found in map(_PEER.search, trace) if found}


def loopback_up() -> None:
    """Switch the loopback of a new network namespace on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", _UP_AND_RUNNING, b""))


def main() -> None:
    """With --loopback: run the rest of the line with loopback on. Else: trace it."""
    if sys.argv[1] == "--loopback":
        loopback_up()
        os.execvp(sys.argv[2], sys.argv[2:])
    for peer in sorted(peers_of(sys.argv[1:], os.environ)):
        print(peer)  # noqa: T201


if __name__ == "__main__":
    main()

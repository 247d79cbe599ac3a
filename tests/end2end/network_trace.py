"""Asks the kernel which hosts a program tried to reach, with strace, in a network namespace that has no way out.

    python -m tests.end2end.network_trace COMMAND…      prints each peer and every other way out that was tried

An attempt counts even if it fails. Names are looked up over port 53, so a look-up is an attempt as well.
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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PEER = re.compile(
    r"sa_family=AF_INET6?, sin6?_port=htons\((?P<port>\d+)\).*?"
    r'(?:inet_addr\("(?P<v4>[0-9.]+)"\)|inet_pton\(AF_INET6, "(?P<v6>[0-9a-f:.]+)")'
)
_OTHER_WAY = re.compile(r"\b(?P<way>io_uring_setup|bind\(.*sa_family=AF_INET6?\b|socket(?:pair)?\(AF_\w+)")
_USUAL_FAMILIES = ("(AF_UNIX", "(AF_INET", "(AF_INET6", "(AF_NETLINK")
_CALLS = "connect,sendto,sendmsg,sendmmsg,bind,socket,socketpair,io_uring_setup"
_UP_AND_RUNNING = 0x1 | 0x40
_SIOCSIFFLAGS = 0x8914


@dataclass(frozen=True, slots=True, order=True)
class Peer:
    """A host that a program tried to reach."""

    address: str
    port: int

    @property
    def on_this_machine(self) -> bool:
        return ipaddress.ip_address(self.address).is_loopback

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Tried:
    """What a program tried: hosts, and ways out that name no host, such as a raw socket or a port for everybody."""

    peers: set[Peer]
    other_ways: set[str]


def cannot_trace() -> str:
    """Why nothing can be traced here; empty if it can."""
    if sys.platform != "linux" or not shutil.which("strace") or not shutil.which("unshare"):
        return "strace and unshare are needed"
    works = subprocess.run(["unshare", "-rn", "strace", "-qq", "-o", os.devnull, "true"], capture_output=True)
    return "" if works.returncode == 0 else "this machine allows no network namespace, or no tracing"


def tried_by(command: Sequence[str], env: Mapping[str, str], timeout_s: float = 170) -> Tried:
    """Run a program with nothing but loopback; returns what it and its children tried to reach."""
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
        lines = list(trace)
    return Tried({_peer(line) for line in lines if _PEER.search(line) and " bind(" not in line}, _other_ways(lines))


def _peer(line: str) -> Peer:
    found = _PEER.search(line)
    assert found is not None
    return Peer(found["v4"] or found["v6"], int(found["port"]))


def _other_ways(lines: Iterable[str]) -> set[str]:
    """Sockets of unusual families, io_uring, and ports that are open to other machines."""
    ways = set()
    for line in lines:
        found = _OTHER_WAY.search(line)
        way = found["way"] if found else ""
        harmless = _peer(line).on_this_machine if way.startswith("bind") else way.endswith(_USUAL_FAMILIES)
        if way and not harmless:
            ways.add(way.partition("{")[0].partition("(")[0] if way.startswith("bind") else way)
    return ways


def loopback_up() -> None:
    """Switch the loopback of a new network namespace on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", _UP_AND_RUNNING, b""))


def main() -> None:
    """Run the rest of the command line with loopback on if it begins with --loopback, else trace it."""
    if sys.argv[1] == "--loopback":
        loopback_up()
        os.execvp(sys.argv[2], sys.argv[2:])
    tried = tried_by(sys.argv[1:], os.environ)
    print(*sorted(tried.peers), *sorted(tried.other_ways), sep="\n")  # noqa: T201


if __name__ == "__main__":
    main()

"""The network: requests are sent or refused, recorded, and ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import zlib
from typing import Any

import pytest

from desktop_llm.errors import TransferError
from desktop_llm.net import Incoming, Net
from desktop_llm.net.ledger import Ledger
from tests.hub import Blob, Exchange, LocalHub, cut, silent, status
from tests.net.conftest import Proxy

MIB = 1 << 20


def body_of(incoming: Incoming, step: int = MIB) -> bytes:
    buffer = memoryview(bytearray(step))
    parts = []
    while count := incoming.read_into(buffer):
        parts.append(bytes(buffer[:count]))
    return b"".join(parts)


def rows(ledger: Ledger) -> list[tuple[str, str, str]]:
    """The host without its port, the purpose and the result of each request, oldest first."""
    found = reversed(ledger.entries())
    return [(entry.host.partition(":")[0], entry.purpose, entry.result) for entry in found]


class TestAnswers:
    def test_a_whole_answer_comes_with_its_status_and_headers(self, net: Net, hub: LocalHub) -> None:
        hub.add("maker/Tiny-GGUF", {"README.md": b"# Tiny"})

        answer = net.get(f"{hub.url}/maker/Tiny-GGUF/resolve/main/README.md", purpose="model card")

        assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"# Tiny", "6")

    def test_an_answer_beyond_its_limit_is_refused(self, net: Net, hub: LocalHub) -> None:
        hub.add("maker/Tiny-GGUF", {"README.md": bytes(2_000)})

        with pytest.raises(TransferError, match="too long"):
            net.get(f"{hub.url}/maker/Tiny-GGUF/resolve/main/README.md", purpose="model card", limit_bytes=1_000)

    def test_an_answer_that_would_have_to_be_unpacked_is_refused(self, net: Net, hub: LocalHub) -> None:
        hub.behave("/a", status(200, body=zlib.compress(bytes(MIB)), headers={"Content-Encoding": "deflate"}))

        with net.client() as client, pytest.raises(TransferError, match="can't read"):
            client.get(f"{hub.url}/a")
        with net.open(f"{hub.url}/a", purpose="download") as incoming:
            assert incoming.headers["content-encoding"] == "deflate"
            assert len(body_of(incoming)) < MIB

    @pytest.mark.parametrize("size", [0, 1, 65_536, 5 * MIB + 7])
    def test_a_body_is_read_to_its_last_byte(self, net: Net, hub: LocalHub, size: int) -> None:
        content = bytes(range(256)) * (size // 256 + 1)
        hub.add("maker/Tiny-GGUF", {"a.gguf": content[:size]})

        with net.open(f"{hub.url}/maker/Tiny-GGUF/resolve/main/a.gguf", purpose="download") as incoming:
            assert body_of(incoming, 100_000) == content[:size]

    def test_a_body_of_untold_length_is_read_to_its_end(self, net: Net, hub: LocalHub) -> None:
        hub.behave("/chunks", in_chunks)

        with net.open(f"{hub.url}/chunks", purpose="download") as incoming:
            assert body_of(incoming) == b"abc" * 10_000

    def test_headers_of_the_first_address_stay_known_after_a_redirect(self, net: Net, hub: LocalHub) -> None:
        repo = hub.add("maker/Tiny-GGUF", {"a.gguf": b"GGUF"})

        with net.open(f"{hub.url}/maker/Tiny-GGUF/resolve/main/a.gguf", purpose="download") as incoming:
            assert incoming.origin_headers["x-repo-commit"] == repo.revision
            assert incoming.url.startswith(hub.cdn_url)

    def test_a_connection_serves_one_small_request_after_the_other(self, net: Net, hub: LocalHub) -> None:
        clients = set()

        def note(exchange: Exchange) -> bool:
            clients.add(exchange.socket.getpeername())
            return False

        hub.behave("*", note)
        for _ in range(3):
            net.get(f"{hub.url}/api/models", purpose="search models")

        assert len(clients) == 1

    def test_waiting_tells_whether_bytes_are_there_without_taking_them(self, net: Net, hub: LocalHub) -> None:
        go_on = threading.Event()
        hub.behave("/slow", half_then_wait(go_on))

        with net.open(f"{hub.url}/slow", purpose="download") as incoming:
            assert incoming.wait(5)
            buffer = memoryview(bytearray(100))
            assert incoming.read_into(buffer) == 5
            assert not incoming.wait(0.01)
            go_on.set()
            assert incoming.wait(5)
            assert body_of(incoming) == b"world"
            assert incoming.wait(0)  # the end counts as something to read

    def test_leaving_early_ends_the_connection(self, net: Net, hub: LocalHub, ledger: Ledger) -> None:
        hub.add("maker/Big-GGUF", {"a.gguf": Blob(head=b"GGUF", size_bytes=1 << 40, sha256="a" * 64)})

        with net.open(f"{hub.url}/maker/Big-GGUF/resolve/main/a.gguf", purpose="read header") as incoming:
            incoming.read_into(memoryview(bytearray(1_000)))

        assert net.active() == ()
        assert rows(ledger)[-1] == ("localhost", "read header", "stopped")


class TestRecording:
    def test_every_hop_is_a_row_with_host_purpose_bytes_and_result(
        self, net: Net, hub: LocalHub, ledger: Ledger
    ) -> None:
        hub.add("maker/Tiny-GGUF", {"a.gguf": b"GGUF" + bytes(996)})

        with net.open(f"{hub.url}/maker/Tiny-GGUF/resolve/main/a.gguf", purpose="download") as incoming:
            body_of(incoming)

        assert rows(ledger) == [("127.0.0.1", "download", "ok"), ("localhost", "download", "ok")]
        last = ledger.entries()[0]
        assert last.bytes_in == 1_000
        assert last.bytes_out > 100

    def test_a_row_is_there_before_the_request_arrives(self, net: Net, hub: LocalHub, ledger: Ledger) -> None:
        seen: list[Any] = []

        def look(exchange: Exchange) -> bool:
            seen.extend(rows(ledger))
            return False

        hub.behave("*", look)
        net.get(f"{hub.url}/api/models", purpose="search models")

        assert seen == [("127.0.0.1", "search models", "open")]

    def test_a_killed_program_leaves_its_row_open(self, hub: LocalHub, ledger: Ledger, tmp_path: Any) -> None:
        hub.behave("/silent", kill_the_client)
        code = (
            "import os, sys\nfrom pathlib import Path\nfrom desktop_llm.net.ledger import Ledger\n"
            "from desktop_llm.net import Net\n"
            "net = Net(Ledger(Path(sys.argv[1])))\n"
            "net.get(sys.argv[2] + '/silent', headers={'pid': str(os.getpid())}, purpose='download')\n"
        )
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "ledger.db"), hub.url], check=False)

        assert done.returncode == -9
        assert rows(ledger) == [("127.0.0.1", "download", "open")]

    def test_a_failure_is_recorded_by_its_cause(self, net: Net, hub: LocalHub, ledger: Ledger) -> None:
        hub.behave("/a", status(503))
        hub.behave("/b", cut)

        for path in ("a", "b"):
            with pytest.raises(TransferError):
                net.get(f"{hub.url}/{path}", purpose="search models")

        assert [result for _, _, result in rows(ledger)] == ["server", "server"]

    def test_what_cannot_be_recorded_is_not_sent(self, hub: LocalHub, tmp_path: Any) -> None:
        net = Net(Ledger(tmp_path / "no such folder" / "ledger.db"))

        with pytest.raises(Exception, match="Nothing was sent"):
            net.get(f"{hub.url}/api/models", purpose="search models")

        assert hub.seen == []
        net.close()

    def test_a_running_transfer_is_shown_with_what_arrived(self, net: Net, hub: LocalHub) -> None:
        go_on = threading.Event()
        hub.behave("/slow", half_then_wait(go_on))

        with net.open(f"{hub.url}/slow", purpose="download") as incoming:
            incoming.read_into(memoryview(bytearray(100)))
            (transfer,) = net.active()
            go_on.set()

        port = hub.url.rpartition(":")[2]
        assert (transfer.host, transfer.purpose, transfer.bytes_in) == (f"127.0.0.1:{port}", "download", 5)

    def test_it_is_known_whether_the_last_request_got_an_answer(self, net: Net, hub: LocalHub) -> None:
        assert net.unanswered is None
        hub.behave("/a", status(404))
        with pytest.raises(TransferError):
            net.get(f"{hub.url}/a", purpose="search models")
        assert net.unanswered is None
        with pytest.raises(TransferError):
            net.get("http://127.0.0.1:1/a", purpose="search models")
        assert net.unanswered is not None
        assert (net.unanswered.host, net.unanswered.cause) == ("127.0.0.1:1", "no_connection")


class TestOffline:
    def test_nothing_leaves_while_offline_is_on(self, ledger: Ledger, hub: LocalHub) -> None:
        net = Net(ledger, offline=True)

        with pytest.raises(TransferError) as raised:
            net.get(f"{hub.url}/api/models", purpose="search models")

        assert raised.value.cause == "offline_switch"
        assert hub.seen == []
        assert ledger.entries() == []
        net.close()

    def test_the_client_of_the_hubs_library_is_refused_too(self, ledger: Ledger, hub: LocalHub) -> None:
        net = Net(ledger, offline=True)

        with net.client() as client, pytest.raises(TransferError, match="Offline is on"):
            client.get(f"{hub.url}/api/models")

        assert hub.seen == []
        net.close()

    def test_turning_it_on_ends_a_transfer_that_waits_for_bytes(self, net: Net, hub: LocalHub, ledger: Ledger) -> None:
        waiting = threading.Event()
        hub.behave("/slow", half_then_wait(threading.Event()))
        ended: list[TransferError] = []

        def download() -> None:
            try:
                with net.open(f"{hub.url}/slow", purpose="download") as incoming:
                    incoming.read_into(memoryview(bytearray(5)))
                    waiting.set()
                    body_of(incoming)
            except TransferError as error:
                ended.append(error)

        thread = threading.Thread(target=download)
        thread.start()
        assert waiting.wait(10)
        net.offline = True
        thread.join(10)

        assert [error.cause for error in ended] == ["offline_switch"]
        assert rows(ledger)[-1][2] == "offline_switch"

    def test_turning_it_on_ends_a_request_that_waits_for_its_answer(self, net: Net, hub: LocalHub) -> None:
        arrived = threading.Event()

        def never(exchange: Exchange) -> bool:
            arrived.set()
            return silent(exchange)

        hub.behave("*", never)
        causes: list[str] = []

        def ask() -> None:
            try:
                net.get(f"{hub.url}/api/models", purpose="search models")
            except TransferError as error:
                causes.append(error.cause)

        thread = threading.Thread(target=ask)
        thread.start()
        assert arrived.wait(10)
        net.offline = True
        thread.join(10)

        assert causes == ["offline_switch"]

    def test_what_is_let_out_leaves_and_nothing_beside_it(self, ledger: Ledger, hub: LocalHub) -> None:
        net = Net(ledger, offline=True)
        beside: list[str] = []

        def ask_beside() -> None:
            with pytest.raises(TransferError) as refused:
                net.get(f"{hub.url}/api/beside", purpose="search models")
            beside.append(refused.value.cause)

        with net.lifted():
            assert net.get(f"{hub.url}/api/models", purpose="search models").status == 200
            thread = threading.Thread(target=ask_beside)
            thread.start()
            thread.join(10)
        ask_beside()

        assert (beside, net.offline) == (["offline_switch", "offline_switch"], True)
        assert [seen.path for seen in hub.seen] == ["/api/models"]
        net.close()

    def test_the_client_of_the_hubs_library_is_let_out_too(self, ledger: Ledger, hub: LocalHub) -> None:
        net = Net(ledger, offline=True)

        with net.lifted(), net.client() as client:
            assert client.get(f"{hub.url}/api/models").status_code == 200
        net.close()

    def test_connections_of_what_was_let_out_end_with_it(self, ledger: Ledger, hub: LocalHub) -> None:
        net, ended = Net(ledger, offline=True), threading.Event()

        def wait_for_the_end(exchange: Exchange) -> bool:
            exchange.send(200, b"{}")

            def watch() -> None:
                if not exchange.socket.recv(1, socket.MSG_PEEK):
                    ended.set()

            threading.Thread(target=watch).start()
            return True

        hub.behave("*", wait_for_the_end)
        with net.lifted():
            net.get(f"{hub.url}/api/models", purpose="search models")
            assert not ended.is_set()

        assert ended.wait(10)
        net.close()

    def test_turning_it_on_anew_takes_a_permission_back(self, net: Net, hub: LocalHub) -> None:
        with net.lifted():
            net.offline = True
            with pytest.raises(TransferError) as refused:
                net.get(f"{hub.url}/api/models", purpose="search models")

        assert refused.value.cause == "offline_switch"
        assert hub.seen == []

    def test_turned_off_again_everything_works(self, net: Net, hub: LocalHub) -> None:
        net.get(f"{hub.url}/api/models", purpose="search models")
        net.offline = True
        net.offline = False

        assert net.get(f"{hub.url}/api/models", purpose="search models").status == 200


class TestRules:
    @pytest.mark.parametrize(
        "url", ["http://hub.example/x", "http://10.0.0.1/x", "ftp://127.0.0.1/x", "file:///etc/x", "https://[", "x"]
    )
    def test_an_address_without_encryption_is_not_asked(self, net: Net, ledger: Ledger, url: str) -> None:
        with pytest.raises(TransferError) as raised:
            net.get(url, purpose="search models")

        assert raised.value.cause == "tls"
        assert ledger.entries() == []

    def test_a_redirect_to_a_foreign_host_is_not_followed(self, net: Net, hub: LocalHub) -> None:
        hub.behave("/a", status(302, headers={"Location": "https://evil.example/x"}))

        with pytest.raises(TransferError, match=r"evil\.example.*not part of Hugging Face") as raised:
            net.get(f"{hub.url}/a", purpose="search models")

        assert raised.value.cause == "login_page"

    def test_a_name_that_only_ends_like_the_hubs_is_foreign(self, net: Net, hub: LocalHub) -> None:
        hub.behave("/a", status(302, headers={"Location": "https://nothf.co/x"}))

        with pytest.raises(TransferError, match="not part of Hugging Face"):
            net.get(f"{hub.url}/a", purpose="search models")

    @pytest.mark.parametrize("place", ["https://[", "http://a b/", "https://\x7f/", "", "mailto:a@b"])
    def test_a_redirect_to_nowhere_is_an_error_like_any_other(self, net: Net, hub: LocalHub, place: str) -> None:
        hub.behave("/a", status(302, headers={"Location": place}))

        with pytest.raises(TransferError):
            net.get(f"{hub.url}/a", purpose="search models")

    def test_a_circle_of_redirects_ends(self, net: Net, hub: LocalHub) -> None:
        hub.behave("/a", status(302, headers={"Location": "/a"}))

        with pytest.raises(TransferError) as raised:
            net.get(f"{hub.url}/a", purpose="search models")

        assert raised.value.cause == "too_many_redirects"
        assert len(hub.asked("/a")) == 6

    def test_the_token_stays_with_the_host_it_was_meant_for(self, net: Net, hub: LocalHub) -> None:
        hub.add("maker/Tiny-GGUF", {"a.gguf": b"GGUF"})

        with net.open(
            f"{hub.url}/maker/Tiny-GGUF/resolve/main/a.gguf",
            headers={"Authorization": "Bearer hf_good"},
            purpose="download",
        ):
            pass

        (asked,), (sent_on,) = hub.asked("/maker/*"), hub.asked("/cdn/*")
        assert asked.headers["authorization"] == "Bearer hf_good"
        assert "authorization" not in sent_on.headers
        assert sent_on.host == "localhost"

    def test_requests_tell_nothing_about_this_computer(self, net: Net, hub: LocalHub) -> None:
        hub.behave("/a", status(200, body=b"{}", headers={"Set-Cookie": "who=you"}))
        for _ in range(2):
            net.get(f"{hub.url}/a", purpose="search models")

        told = hub.seen[1].headers
        assert set(told) == {"host", "accept", "accept-encoding", "connection", "user-agent"}
        assert told["user-agent"].startswith("desktop-llm/")
        assert told["accept-encoding"] == "identity"


class TestDeadHubs:
    def test_a_trickle_of_header_bytes_is_given_up(self, net: Net, hub: LocalHub) -> None:
        hub.behave("/a", drip)

        with (
            pytest.raises(TransferError, match="too slowly") as raised,
            net.open(f"{hub.url}/a", purpose="download", timeout_s=0.2),
        ):
            pass

        assert raised.value.cause == "timeout"

    def test_a_trickle_of_an_answer_is_given_up(self, net: Net, hub: LocalHub) -> None:
        def trickle(exchange: Exchange) -> bool:
            exchange.start(200, {"Content-Length": "1000"})
            return drip(exchange)

        hub.behave("/a", trickle)

        with pytest.raises(TransferError, match="too slowly"):
            net.get(f"{hub.url}/a", purpose="search models", timeout_s=0.3)

    def test_the_way_to_another_address_counts_too(self, net: Net, hub: LocalHub) -> None:
        def trickle(exchange: Exchange) -> bool:
            exchange.start(302, {"Location": "/b", "Content-Length": "1000"})
            return drip(exchange)

        hub.behave("/a", trickle)

        with (
            pytest.raises(TransferError, match="too slowly") as raised,
            net.open(f"{hub.url}/a", purpose="download", timeout_s=0.3),
        ):
            pass

        assert raised.value.cause == "timeout"

    def test_requests_inside_a_limit_of_time_end_with_it(self, net: Net, hub: LocalHub) -> None:
        hub.behave("/a", silent)

        with net.purpose("list files", 0.2), net.client() as client, pytest.raises(TransferError, match="too slowly"):
            client.get(f"{hub.url}/a")

    def test_closing_ends_a_transfer_that_waits_in_another_thread(self, net: Net, hub: LocalHub) -> None:
        hub.behave("/slow", half_then_wait(threading.Event()))
        buffer = memoryview(bytearray(100))

        with net.open(f"{hub.url}/slow", purpose="download") as incoming:
            incoming.read_into(buffer)
            net.close()
            assert incoming.wait(0.01)
            with pytest.raises(TransferError):
                incoming.read_into(buffer)

    def test_silence_in_the_middle_is_told_apart_from_a_cut(self, net: Net, hub: LocalHub) -> None:
        hub.behave("/slow", half_then_wait(threading.Event()))
        buffer = memoryview(bytearray(100))

        with net.open(f"{hub.url}/slow", purpose="download") as incoming:
            incoming.read_into(buffer)
            with pytest.raises(TransferError, match="stopped answering") as raised:
                incoming.read_into(buffer, 0.05)

        assert raised.value.cause == "timeout"

    def test_a_body_cut_short_is_an_error_and_not_an_end(self, net: Net, hub: LocalHub) -> None:
        hub.behave("/cut", half_then_cut)

        with (
            net.open(f"{hub.url}/cut", purpose="download") as incoming,
            pytest.raises(TransferError, match="cut in the middle") as raised,
        ):
            body_of(incoming)

        assert raised.value.cause == "no_connection"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system's own store of certificates decides")
class TestEncryption:
    def test_a_certificate_of_nobody_known_is_refused(self, net: Net, tls_hub: LocalHub) -> None:
        with pytest.raises(TransferError, match="somebody whom this computer does not trust") as raised:
            net.get(f"{tls_hub.url}/api/models", purpose="search models")

        assert raised.value.cause == "tls"
        assert tls_hub.seen == []

    @pytest.mark.usefixtures("trusted")
    def test_a_body_comes_whole_through_tls(self, net: Net, tls_hub: LocalHub) -> None:
        content = bytes(range(256)) * 20_000
        tls_hub.add("maker/Tiny-GGUF", {"a.gguf": content})

        with net.open(f"{tls_hub.url}/maker/Tiny-GGUF/resolve/main/a.gguf", purpose="download") as incoming:
            assert incoming.wait(5)
            assert body_of(incoming, 10_000) == content

    @pytest.mark.usefixtures("trusted")
    def test_a_cut_tls_connection_is_an_error_and_not_an_end(self, net: Net, tls_hub: LocalHub) -> None:
        tls_hub.behave("/cut", half_then_cut)

        with net.open(f"{tls_hub.url}/cut", purpose="download") as incoming, pytest.raises(TransferError) as raised:
            body_of(incoming)

        assert raised.value.cause == "no_connection"

    @pytest.mark.usefixtures("trusted")
    def test_the_hub_is_reached_through_the_proxy_of_the_environment(
        self, net: Net, tls_hub: LocalHub, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tls_hub.add("maker/Tiny-GGUF", {"a.gguf": b"GGUF" + bytes(MIB)})
        tls_hub.cdn_url = "https://cdn-lfs.hf.co"
        with Proxy(b"200 OK", tls_hub.port) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            url = "https://huggingface.co/maker/Tiny-GGUF/resolve/main/a.gguf"
            with net.open(url, headers={"Authorization": "Bearer hf_good"}, purpose="download") as incoming:
                assert len(body_of(incoming)) == 4 + MIB
            net.close()

        assert proxy.asked == ["CONNECT huggingface.co:443 HTTP/1.1", "CONNECT cdn-lfs.hf.co:443 HTTP/1.1"]
        assert [host for host, _, _ in rows(ledger)] == [
            "huggingface.co via 127.0.0.1",
            "cdn-lfs.hf.co via 127.0.0.1",
        ]
        assert ["authorization" in seen.headers for seen in tls_hub.seen] == [True, False]

    @pytest.mark.usefixtures("trusted")
    def test_a_redirect_from_encrypted_to_plain_is_not_followed(self, net: Net, tls_hub: LocalHub) -> None:
        tls_hub.behave("/a", status(302, headers={"Location": f"http://127.0.0.1:{tls_hub.port}/b"}))

        with pytest.raises(TransferError, match="without encryption"):
            net.get(f"{tls_hub.url}/a", purpose="search models")


class TestProxies:
    @pytest.mark.parametrize(
        ("answer", "cause", "words"),
        [
            (b"407 Proxy Authentication Required", "proxy_auth", "asks for a name and a password"),
            (b"403 Forbidden", "no_connection", "does not allow connections"),
            (b"502 Bad Gateway", "no_connection", "could not reach"),
        ],
    )
    def test_a_proxy_that_refuses_is_named(
        self, net: Net, monkeypatch: pytest.MonkeyPatch, answer: bytes, cause: str, words: str
    ) -> None:
        with Proxy(answer, 0) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            with pytest.raises(TransferError, match=words) as raised:
                net.get("https://huggingface.co/api/models", purpose="search models")

        assert raised.value.cause == cause
        assert "127.0.0.1" in raised.value.message

    @pytest.mark.parametrize(
        ("proxy", "words"),
        [
            ("http://127.0.0.1:1", "does not answer"),
            ("127.0.0.1:1", "does not answer"),
            ("socks5://127.0.0.1:1", "of a kind that this app can't use"),
        ],
    )
    def test_a_proxy_that_cannot_be_used_is_told_apart_from_a_hub_that_is_away(
        self, net: Net, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, proxy: str, words: str
    ) -> None:
        monkeypatch.setenv("ALL_PROXY", proxy)

        with pytest.raises(TransferError, match=words):
            net.get("https://huggingface.co/api/models", purpose="search models")

    def test_a_hub_on_this_computer_needs_no_proxy(
        self, net: Net, hub: LocalHub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

        assert net.get(f"{hub.url}/api/models", purpose="search models").status == 200


def test_importing_the_room_brings_in_no_library() -> None:
    code = "import desktop_llm.net, json, sys; print(json.dumps(list(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    assert not {"httpx2", "httpcore2", "truststore", "ssl", "asyncio"} & set(json.loads(out))


def in_chunks(exchange: Exchange) -> bool:
    exchange.start(200, {"Transfer-Encoding": "chunked"})
    for _ in range(10_000):
        exchange.raw(b"3\r\nabc\r\n")
    exchange.raw(b"0\r\n\r\n")
    return True


def half_then_wait(go_on: threading.Event) -> Any:
    def behave(exchange: Exchange) -> bool:
        exchange.start(200, {"Content-Length": "10"})
        exchange.raw(b"hello")
        while not go_on.wait(0.01) and not exchange.hub.stopping.is_set():
            pass
        exchange.raw(b"world")
        return True

    return behave


def half_then_cut(exchange: Exchange) -> bool:
    exchange.start(200, {"Content-Length": "10"})
    exchange.raw(b"hello")
    exchange.hang_up()
    return True


def drip(exchange: Exchange) -> bool:
    while not exchange.hub.stopping.wait(0.02):
        exchange.raw(b"H")
    return True


def kill_the_client(exchange: Exchange) -> bool:
    os.kill(int(exchange.headers["pid"]), signal.SIGKILL)
    return True

"""Search, file lists, cards and remote headers, against a hub that speaks Hugging Face's API on loopback."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop_llm.errors import BadRequest, ModelFileError, NotFound, TransferError, UserError
from desktop_llm.models.facts import Facts
from desktop_llm.models.hub import Account, Hub, HubModel, HubRepo, chosen_endpoint
from desktop_llm.net import Net
from desktop_llm.net.ledger import Ledger
from tests.hub import GOOD_TOKEN, Blob, Exchange, LocalHub, silent, status
from tests.models.gguf_files import CHAT, gguf, tensor

TINY = gguf(CHAT, [tensor("token_embd.weight", [16, 16])], data_bytes=1_024)
CARD = b"---\nlicense: mit\ntags:\n- a\n---\n\n# Tiny\n\nA model.\n\n---\n\nThe end.\n"
TOKEN = "hf_secret"


@pytest.fixture
def local() -> Iterator[LocalHub]:
    with LocalHub() as local:
        yield local


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.db")


@pytest.fixture
def net(ledger: Ledger) -> Iterator[Net]:
    net = Net(ledger)
    yield net
    net.close()


@pytest.fixture
def hub(local: LocalHub, net: Net, tmp_path: Path) -> Hub:
    return Hub(net, endpoint=local.url, facts=Facts(tmp_path / "facts.db"))


def found(hub: Hub, query: str = "", **how: Any) -> list[str]:
    return [model.repo for page in hub.search(query, **how) for model in page]


def saying(answer: object) -> Callable[[Exchange], bool]:
    """Answer every request with this."""

    def say(exchange: Exchange) -> bool:
        exchange.send_json(answer)
        return True

    return say


def add_tiny(local: LocalHub, repo: str = "maker/Tiny-GGUF", **how: Any) -> Any:
    return local.add(repo, {"tiny-Q4_K_M.gguf": TINY, "README.md": CARD}, **how)


class TestSearch:
    def test_a_repository_is_found_with_what_the_hub_says_of_it(self, hub: Hub, local: LocalHub) -> None:
        shape = {"total": 8_000_000_000, "architecture": "qwen3", "context_length": 40_960}
        add_tiny(local, "Qwen/Qwen3-8B-GGUF", downloads=5, likes=2, languages=("en", "de"), gated=True, gguf=shape)

        (model,) = next(hub.search("qwen3"))

        assert model == HubModel(
            repo="Qwen/Qwen3-8B-GGUF",
            downloads=5,
            likes=2,
            license="apache-2.0",
            gated=True,
            updated_at=1_793_534_400.0,
            task="text-generation",
            languages=("en", "de"),
            tags=("gguf", "en", "de", "license:apache-2.0", "region:us", "conversational"),
            architecture="qwen3",
            parameters=8_000_000_000,
            context_length=40_960,
        )
        assert (model.author, model.name) == ("Qwen", "Qwen3-8B-GGUF")

    def test_results_come_a_page_at_a_time_and_no_page_is_fetched_unasked(self, hub: Hub, local: LocalHub) -> None:
        for number in range(60):
            add_tiny(local, f"maker/Tiny-{number}-GGUF", downloads=number)

        pages = hub.search("tiny", sort="downloads", limit=55)
        first = next(pages)
        assert len(local.asked("/api/models")) == 1
        rest = list(pages)

        assert first[0].repo == "maker/Tiny-59-GGUF"
        assert [len(page) for page in [first, *rest]] == [25, 25, 5]

    def test_a_search_for_a_size_leaves_out_other_sizes_and_looks_further_for_enough(
        self, hub: Hub, local: LocalHub
    ) -> None:
        for number in range(40):
            weights = 8_000_000_000 if number % 10 == 0 else 1_000_000_000
            add_tiny(local, f"maker/Tiny-{number}-GGUF", downloads=100 - number, gguf={"total": weights})
        add_tiny(local, "maker/Unknown-GGUF")

        found = [model.repo for page in hub.search("", sort="downloads", size="medium", limit=3) for model in page]

        assert found == ["maker/Tiny-0-GGUF", "maker/Tiny-10-GGUF", "maker/Tiny-20-GGUF"]
        assert len(local.asked("/api/models")) == 1
        assert sum(len(page) for page in hub.search("", size="medium", limit=25)) == 4

    def test_the_next_page_is_asked_of_the_same_hub_whatever_its_address_says(self, net: Net, local: LocalHub) -> None:
        for number in range(30):
            add_tiny(local, f"maker/Tiny-{number}-GGUF")

        def mislead(exchange: Exchange) -> bool:
            if exchange.count:
                return False
            rows = [repo.info([]) for repo in list(local.repos.values())[:25]]
            link = '<https://evil.example/api/models?limit=25&cursor=MjU%3D>; rel="next"'
            exchange.send_json(rows, {"Link": link})
            return True

        local.behave("/api/models", mislead)
        hub = Hub(net, endpoint=local.url, token=lambda: GOOD_TOKEN)

        assert [len(page) for page in hub.search("")] == [25, 5]
        assert len(local.asked("/api/models")) == 2

    @pytest.mark.parametrize(
        ("sort", "order"),
        [
            ("trending", ["a/c", "a/b", "a/a"]),
            ("downloads", ["a/a", "a/b", "a/c"]),
            ("likes", ["a/b", "a/a", "a/c"]),
            ("recent", ["a/c", "a/a", "a/b"]),
        ],
    )
    def test_results_are_sorted_as_asked(self, hub: Hub, local: LocalHub, sort: Any, order: list[str]) -> None:
        add_tiny(local, "a/a", downloads=9, likes=5, trending=1, modified="2026-05-01T00:00:00.000Z")
        add_tiny(local, "a/b", downloads=5, likes=9, trending=5, modified="2026-01-01T00:00:00.000Z")
        add_tiny(local, "a/c", downloads=1, likes=1, trending=9, modified="2026-09-01T00:00:00.000Z")

        assert found(hub, sort=sort) == order

    def test_results_are_filtered_by_licence_task_and_language(self, hub: Hub, local: LocalHub) -> None:
        add_tiny(local, "a/mit-de", license="mit", languages=("de",), task="text-generation")
        add_tiny(local, "a/mit-en", license="mit", languages=("en",), task="summarization")
        add_tiny(local, "a/apache", license="apache-2.0", languages=("de",), task="text-generation")

        assert set(found(hub, license="mit")) == {"a/mit-de", "a/mit-en"}
        assert set(found(hub, language="de")) == {"a/mit-de", "a/apache"}
        assert found(hub, task="summarization") == ["a/mit-en"]
        assert found(hub, license="mit", language="de") == ["a/mit-de"]

    def test_one_bad_row_spoils_no_page(self, hub: Hub, local: LocalHub) -> None:
        rows = [
            None,
            7,
            {},
            {"id": 5},
            {"id": "../../etc"},
            {"id": "a/b", "lastModified": "yesterday"},
            {"id": "a/good"},
        ]
        local.behave("/api/models", saying(rows))

        assert found(hub) == ["a/b", "a/good"]

    @pytest.mark.parametrize("moment", ["9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00+14:00"])
    def test_a_moment_that_no_calendar_here_has_is_none(self, hub: Hub, local: LocalHub, moment: str) -> None:
        local.behave("/api/models", saying([{"id": "a/b", "lastModified": moment}]))

        ((model,),) = hub.search("")

        assert model.updated_at is None

    def test_a_page_of_impossible_names_is_no_failure(self, hub: Hub, local: LocalHub) -> None:
        local.behave("/api/models", saying([{"id": "gpt2"}]))

        assert found(hub) == []

    def test_a_mirror_may_say_no_more_than_the_name(self, hub: Hub, local: LocalHub) -> None:
        rows = [{"id": "a/b"}, {"modelId": "a/c", "tags": None, "gguf": [], "likes": None, "cardData": "x"}]
        local.behave("/api/models", saying(rows))

        assert found(hub) == ["a/b", "a/c"]

    def test_a_page_of_nothing_but_bad_rows_spoils_no_search(self, hub: Hub, local: LocalHub) -> None:
        def answer(exchange: Exchange) -> bool:
            if exchange.count == 0:
                link = f'<{local.url}/api/models?cursor=2>; rel="next"'
                exchange.send_json([{"id": "gpt2"}, {"id": "../../etc"}], {"Link": link})
            else:
                exchange.send_json([{"id": "a/good"}])
            return True

        local.behave("/api/models", answer)

        assert found(hub) == ["a/good"]

    def test_a_mirror_that_knows_no_pages_is_not_asked_for_them_for_ever(self, hub: Hub, local: LocalHub) -> None:
        def answer(exchange: Exchange) -> bool:
            link = f'<{local.url}/api/models?cursor=2>; rel="next"'
            exchange.send_json([{"id": "a/one"}, {"id": "a/two"}], {"Link": link})
            return True

        local.behave("/api/models", answer)

        assert found(hub) == ["a/one", "a/two"]
        assert len(local.seen) == 2

    def test_a_strangers_texts_are_stripped_of_what_deceives(self, hub: Hub, local: LocalHub) -> None:
        row = {
            "id": "a/b",
            "pipeline_tag": "text\u202e\x1b[2J",
            "tags": ["x\x00y", 7],
            "downloads": -1,
            "likes": "many",
        }
        local.behave("/api/models", saying([row]))

        ((model,),) = hub.search("")

        assert (model.task, model.tags, model.downloads, model.likes) == ("text[2J", ("xy",), 0, 0)

    @pytest.mark.parametrize(
        "body", [b"", b"not json", b"[", b"[" * 200_000, b"7", b'{"error": "x"}', b"\xff\xfe"], ids=itertools.count()
    )
    def test_an_answer_of_another_form_is_told(self, hub: Hub, local: LocalHub, body: bytes) -> None:
        local.behave("/api/models", status(200, body=body, headers={"Content-Type": "application/json"}))

        with pytest.raises(TransferError, match="can't read"):
            found(hub)

    def test_a_failing_hub_is_asked_once_and_told(self, hub: Hub, local: LocalHub) -> None:
        local.behave("/api/models", status(503, headers={"Retry-After": "300"}))

        with pytest.raises(TransferError) as raised:
            found(hub)

        assert (raised.value.cause, raised.value.retry_after_s) == ("server", 300.0)
        assert len(local.seen) == 1

    def test_a_hub_that_asks_for_a_moment_gets_it(self, hub: Hub, local: LocalHub) -> None:
        add_tiny(local)
        local.behave("/api/models*", status(429, headers={"Retry-After": "0"}, times=1))

        assert found(hub) == ["maker/Tiny-GGUF"]
        assert len(local.seen) == 2

    @pytest.mark.parametrize("headers", [{}, {"Retry-After": "30"}], ids=["no word", "too long"])
    def test_a_hub_that_asks_for_more_is_told(self, hub: Hub, local: LocalHub, headers: dict[str, str]) -> None:
        local.behave("/api/models*", status(429, headers=headers))

        with pytest.raises(TransferError) as raised:
            hub.repo("maker/Tiny-GGUF")

        assert raised.value.cause == "rate_limited"
        assert len(local.seen) == 1

    def test_what_was_found_before_a_failure_stays(self, hub: Hub, local: LocalHub) -> None:
        for number in range(30):
            add_tiny(local, f"maker/Tiny-{number}-GGUF")
        pages = hub.search("")
        first = next(pages)
        local.behave("/api/models", status(500))

        with pytest.raises(TransferError):
            next(pages)
        assert len(first) == 25


class TestRepositories:
    def test_files_are_grouped_and_pinned_to_a_commit(self, hub: Hub, local: LocalHub) -> None:
        shards = {f"big-Q8_0-0000{number}-of-00002.gguf": TINY for number in (1, 2)}
        made = local.add(
            "maker/Tiny-GGUF",
            {**shards, "tiny-Q4_K_M.gguf": TINY, "mmproj-tiny-f16.gguf": TINY, "README.md": CARD},
        )

        repo = hub.repo("maker/Tiny-GGUF")

        assert repo.revision == made.revision
        assert [(file.quantization, len(file.parts), file.size_bytes) for file in repo.files] == [
            ("Q4_K_M", 1, len(TINY)),
            ("Q8_0", 2, 2 * len(TINY)),
        ]
        assert [file.name for file in repo.projectors] == ["mmproj-tiny-f16.gguf"]
        assert repo.files[0].sha256 == Blob(head=TINY).sha256

    def test_a_file_swapped_under_the_same_name_has_another_commit_and_checksum(
        self, hub: Hub, local: LocalHub
    ) -> None:
        made = add_tiny(local)
        before = hub.repo("maker/Tiny-GGUF")
        made.put({"tiny-Q4_K_M.gguf": TINY + b"changed"})
        now, pinned = hub.repo("maker/Tiny-GGUF"), hub.repo("maker/Tiny-GGUF", before.revision)

        assert now.revision != before.revision
        assert now.files[0].sha256 != before.files[0].sha256
        assert (pinned.revision, pinned.files) == (before.revision, before.files)

    def test_a_pinned_file_is_fetched_as_it_was(self, hub: Hub, net: Net, local: LocalHub) -> None:
        made = add_tiny(local)
        repo = hub.repo("maker/Tiny-GGUF")
        made.put({"tiny-Q4_K_M.gguf": b"GGUF changed"})
        url, headers = hub.location("maker/Tiny-GGUF", repo.revision, repo.files[0].name)

        assert net.get(url, headers=headers, purpose="download").body == TINY

    def test_a_file_is_found_by_quantization_or_name(self, hub: Hub, local: LocalHub) -> None:
        local.add("maker/Tiny-GGUF", {"BF16/tiny-BF16.gguf": TINY, "tiny-Q4_K_M.gguf": TINY})
        repo = hub.repo("maker/Tiny-GGUF")

        for wanted in ("bf16", "BF16/tiny-BF16.gguf", "tiny-bf16.gguf", "tiny-BF16"):
            assert repo.file(wanted).quantization == "BF16"
        with pytest.raises(NotFound, match=r"It has: .*Q4_K_M"):
            repo.file("Q5_K_M")

    @pytest.mark.parametrize("name", ["", "one", "a/b/c", "../..", "a/b?x", "a/b\n"])
    def test_what_is_no_id_is_not_asked_for(self, hub: Hub, local: LocalHub, name: str) -> None:
        with pytest.raises(BadRequest):
            hub.repo(name)
        assert local.seen == []

    @pytest.mark.parametrize("answer", [[], "a/b", {"siblings": "many"}, {"error": "no"}], ids=itertools.count())
    def test_what_describes_no_repository_is_not_believed(self, hub: Hub, local: LocalHub, answer: Any) -> None:
        local.behave("/api/models/*", saying(answer))

        with pytest.raises(TransferError, match="can't read"):
            hub.repo("a/b")

    @pytest.mark.parametrize("sha", [None, "main", "abc123"])
    def test_where_no_commit_is_told_the_branch_is_asked_for(self, hub: Hub, local: LocalHub, sha: str | None) -> None:
        answer: dict[str, Any] = {"id": "a/b", "sha": sha, "siblings": []}
        local.behave("/api/models/*", saying(answer))

        assert hub.repo("a/b").revision == "main"
        assert hub.repo("a/b", "v2").revision == "v2"

    @pytest.mark.parametrize(
        "large",
        [{"sha256": "A" * 64}, {"oid": "a" * 64, "size": 7}, {"oid": f"sha256:{'a' * 64}", "pointerSize": 134}],
        ids=itertools.count(),
    )
    def test_a_checksum_is_read_in_each_form(self, hub: Hub, local: LocalHub, large: dict[str, Any]) -> None:
        answer = {"siblings": [{"rfilename": "tiny-Q4_K_M.gguf", "size": 7, "lfs": large}, {"rfilename": 5}, None]}
        local.behave("/api/models/a/b", saying(answer))

        (file,) = hub.repo("a/b").files

        assert (file.sha256, file.size_bytes) == ("a" * 64, 7)
        assert len(local.seen) == 1

    def test_what_a_description_leaves_out_is_taken_from_the_tree(self, hub: Hub, local: LocalHub) -> None:
        answer = {"siblings": [{"rfilename": "tiny-Q4_K_M.gguf"}, {"rfilename": "tiny-Q8_0.gguf", "size": 9}]}
        tree = [{"type": "file", "path": "tiny-Q4_K_M.gguf", "size": 7, "lfs": {"oid": "a" * 64, "size": 7}}]
        local.behave("/api/models/a/b", saying(answer))
        local.behave("/api/models/a/b/tree/main", saying(tree))

        files = hub.repo("a/b").files

        assert [(file.size_bytes, file.sha256) for file in files] == [(7, "a" * 64), (9, None)]

    def test_without_a_tree_the_list_serves_as_well(self, hub: Hub, local: LocalHub) -> None:
        answer = {"siblings": [{"rfilename": "tiny-Q4_K_M.gguf"}]}
        local.behave("/api/models/a/b", saying(answer))

        assert [file.name for file in hub.repo("a/b").files] == ["tiny-Q4_K_M.gguf"]

    def test_a_projector_is_told_to_be_no_model(self, hub: Hub, local: LocalHub) -> None:
        local.add("maker/Tiny-GGUF", {"tiny-Q4_K_M.gguf": TINY, "mmproj-tiny-f16.gguf": TINY})

        with pytest.raises(NotFound, match="pictures"):
            hub.repo("maker/Tiny-GGUF").file("mmproj-tiny-f16.gguf")

    def test_several_are_asked_at_once_and_a_dead_one_spoils_none(self, hub: Hub, local: LocalHub) -> None:
        names = [f"maker/Tiny-{number}-GGUF" for number in range(8)]
        for name in names:
            add_tiny(local, name)
        together = threading.Barrier(7, timeout=20)

        def meet(exchange: Exchange) -> bool:
            if exchange.path.endswith("-3-GGUF"):
                return status(500)(exchange)
            together.wait()  # answers only once seven requests are here
            return False

        local.behave("/api/models/*", meet)
        results = list(hub.repos(names, 20))

        assert [type(result) is HubRepo for result in results] == [number != 3 for number in range(8)]
        assert isinstance(results[3], TransferError)

    def test_silent_ones_are_given_up_in_time(self, hub: Hub, local: LocalHub) -> None:
        for number in range(12):
            add_tiny(local, f"maker/Tiny-{number}-GGUF")
        local.behave("/api/models/*[1-9]-GGUF", silent)

        results = list(hub.repos([f"maker/Tiny-{number}-GGUF" for number in range(12)], 0.5))

        assert isinstance(results[0], HubRepo)
        assert {result.cause for result in results[1:] if isinstance(result, TransferError)} == {"timeout"}
        assert len([result for result in results if isinstance(result, UserError)]) >= 10


class TestCards:
    def test_a_card_comes_without_the_data_before_it(self, hub: Hub, local: LocalHub) -> None:
        made = add_tiny(local)

        assert hub.card("maker/Tiny-GGUF", made.revision).text == "# Tiny\n\nA model.\n\n---\n\nThe end."

    @pytest.mark.parametrize(
        ("card", "shown"),
        [
            (b"", ""),
            (b"plain", "plain"),
            (b"---\nnever closed", "---\nnever closed"),
            (b"---\r\na: b\r\n---\r\nText", "Text"),
            (b"\xef\xbb\xbf---\na: b\n---\nText", "Text"),
            (b"\xff bytes", "\N{REPLACEMENT CHARACTER} bytes"),
        ],
    )
    def test_any_beginning_is_read(self, hub: Hub, local: LocalHub, card: bytes, shown: str) -> None:
        made = local.add("maker/Tiny-GGUF", {"README.md": card})

        assert hub.card("maker/Tiny-GGUF", made.revision).text == shown

    @pytest.mark.parametrize(
        ("metadata", "named"),
        [
            ("base_model: Qwen/Qwen3-8B", ("Qwen/Qwen3-8B",)),
            ("base_model:\n- Qwen/Qwen3-8B\n- a/b", ("Qwen/Qwen3-8B", "a/b")),
            ("base_model: [../../etc, 5, a/b]", ("a/b",)),
            ("base_model: {of: a/b}", ()),
            ("license: mit", ()),
            ("model-index: 5\nbase_model: a/b", ("a/b",)),
            ("- a list", ()),
            ("1: 2", ()),
            ("a: [", ()),
            ("a: " + "[" * 5_000, ()),
            ("!!python/object/apply:os.system [true]", ()),
        ],
    )
    def test_the_models_that_it_was_made_from_are_read_from_its_metadata(
        self, hub: Hub, local: LocalHub, metadata: str, named: tuple[str, ...]
    ) -> None:
        made = local.add("maker/Tiny-GGUF", {"README.md": f"---\n{metadata}\n---\nText".encode()})

        card = hub.card("maker/Tiny-GGUF", made.revision)

        assert (card.text, card.base_models) == ("Text", named)

    def test_a_missing_card_is_empty(self, hub: Hub, local: LocalHub) -> None:
        made = local.add("maker/Tiny-GGUF", {"a.gguf": TINY})

        assert hub.card("maker/Tiny-GGUF", made.revision).text == ""

    def test_of_an_endless_card_the_beginning_is_read(self, hub: Hub, local: LocalHub) -> None:
        made = local.add(
            "maker/Tiny-GGUF", {"README.md": Blob(head=b"x" * (1 << 20), size_bytes=9 << 20, sha256="a" * 64)}
        )

        assert len(hub.card("maker/Tiny-GGUF", made.revision).text) == 256 << 10


class TestHeaders:
    def test_a_remote_header_is_read_from_the_beginning_alone(self, hub: Hub, local: LocalHub, ledger: Ledger) -> None:
        big = gguf(CHAT, [tensor("token_embd.weight", [1 << 14, 1 << 18])])
        local.add("maker/Big-GGUF", {"big.gguf": Blob(head=big, size_bytes=len(big) + (16 << 30), sha256="b" * 64)})
        repo = hub.repo("maker/Big-GGUF")

        header = hub.header(repo, repo.files[0])

        assert (header.architecture, header.context_length, header.parameters) == ("llama", 2_048, 1 << 32)
        assert sum(entry.bytes_in for entry in ledger.entries() if entry.purpose == "read header") < 4 << 20

    def test_a_header_is_read_once_for_each_content(self, hub: Hub, local: LocalHub) -> None:
        add_tiny(local)
        repo = hub.repo("maker/Tiny-GGUF")
        first = hub.header(repo, repo.files[0])
        asked = len(local.seen)

        assert hub.header(repo, repo.files[0]) == first
        assert len(local.seen) == asked

    def test_a_header_that_trickles_in_is_given_up(self, net: Net, local: LocalHub) -> None:
        add_tiny(local)
        hub = Hub(net, endpoint=local.url, read_s=0.2)
        repo = hub.repo("maker/Tiny-GGUF")

        def drip(exchange: Exchange) -> bool:
            exchange.start(206, {"Content-Length": str(len(TINY))})
            for byte in TINY:
                exchange.raw(bytes([byte]))
                exchange.wait(0.02)
            return True

        local.behave("/cdn/*", drip)
        with pytest.raises(TransferError) as raised:
            hub.header(repo, repo.files[0])

        assert raised.value.cause == "timeout"

    def test_a_damaged_header_is_refused_in_words(self, hub: Hub, local: LocalHub) -> None:
        local.add("maker/Bad-GGUF", {"bad.gguf": b"GGUF" + b"\xff" * 2_000})
        repo = hub.repo("maker/Bad-GGUF")

        with pytest.raises(ModelFileError, match=r"bad\.gguf"):
            hub.header(repo, repo.files[0])


class TestTokens:
    def test_the_token_goes_with_each_question_and_to_the_hub_alone(self, net: Net, local: LocalHub) -> None:
        local.tokens[TOKEN] = "person"
        made = add_tiny(local, gated=True)
        made.granted.add(TOKEN)
        hub = Hub(net, endpoint=local.url, token=lambda: TOKEN)

        repo = hub.repo("maker/Tiny-GGUF")
        found(hub)
        hub.header(repo, repo.files[0])
        hub.card("maker/Tiny-GGUF", repo.revision)

        assert {seen.headers.get("authorization") for seen in local.seen if seen.host == "127.0.0.1"} == {
            f"Bearer {TOKEN}"
        }
        assert {seen.headers.get("authorization") for seen in local.asked("/cdn/*")} == {None}

    def test_without_a_token_none_is_sent_even_if_the_environment_has_one(
        self, hub: Hub, local: LocalHub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        add_tiny(local)
        hub.repo("maker/Tiny-GGUF")
        found(hub)

        assert {seen.headers.get("authorization") for seen in local.seen} == {None}

    def test_a_token_is_checked_by_asking_whose_it_is(self, hub: Hub) -> None:
        assert hub.account(GOOD_TOKEN) == Account("a-person", may_read=True)
        with pytest.raises(TransferError) as raised:
            hub.account("hf_wrong")
        assert raised.value.cause == "unauthorized"

    @pytest.mark.parametrize(
        ("token", "may_read"),
        [
            ({"role": "read"}, True),
            ({"role": "write"}, True),
            ({"role": "fineGrained", "fineGrained": {"canReadGatedRepos": True, "scoped": []}}, True),
            ({"role": "fineGrained", "fineGrained": {"scoped": [{"permissions": ["repo.content.read"]}]}}, True),
            ({"role": "fineGrained", "fineGrained": {"canReadGatedRepos": False, "scoped": []}}, False),
            (
                {"role": "fineGrained", "fineGrained": {"scoped": [{"permissions": ["inference.serverless.write"]}]}},
                False,
            ),
            ({}, False),
        ],
    )
    def test_a_token_says_whether_it_may_read(
        self, hub: Hub, local: LocalHub, token: dict[str, Any], may_read: bool
    ) -> None:
        local.behave("/api/whoami-v2", saying({"type": "user", "name": "a-person", "auth": {"accessToken": token}}))

        assert hub.account(GOOD_TOKEN) == Account("a-person", may_read)

    @pytest.mark.parametrize("answer", [[], {}, {"name": 7}, {"name": "a", "auth": []}, "x"])
    def test_a_strange_answer_to_a_token_is_told(self, hub: Hub, local: LocalHub, answer: object) -> None:
        local.behave("/api/whoami-v2", saying(answer))

        with pytest.raises(TransferError, match="can't read"):
            hub.account(GOOD_TOKEN)

    def test_a_gated_repository_can_be_looked_at_and_says_what_it_wants(self, hub: Hub, local: LocalHub) -> None:
        add_tiny(local, gated=True)
        repo = hub.repo("maker/Tiny-GGUF")

        assert repo.model.gated
        with pytest.raises(TransferError, match="accept the licence") as raised:
            hub.header(repo, repo.files[0])
        assert raised.value.cause == "gated"


class TestThePersonsPeace:
    def test_every_request_of_the_hubs_library_is_in_the_ledger(
        self, hub: Hub, local: LocalHub, ledger: Ledger
    ) -> None:
        made = add_tiny(local)
        found(hub, "tiny")
        repo = hub.repo("maker/Tiny-GGUF")
        hub.card("maker/Tiny-GGUF", made.revision)
        hub.header(repo, repo.files[0])
        hub.account(GOOD_TOKEN)

        entries = list(reversed(ledger.entries()))
        assert len(entries) == len(local.seen)
        assert [entry.purpose for entry in entries] == [
            "search models",
            "list files",
            "model card",
            "read header",
            "read header",
            "check token",
        ]
        assert {entry.result for entry in entries} <= {"ok", "stopped"}

    def test_while_offline_nothing_is_asked(self, hub: Hub, net: Net, local: LocalHub) -> None:
        net.offline = True

        for ask in (
            lambda: found(hub),
            lambda: hub.repo("a/b"),
            lambda: hub.card("a/b", "main"),
            lambda: hub.account("hf"),
        ):
            with pytest.raises(TransferError, match="Offline is on"):
                ask()
        assert local.seen == []

    def test_the_environment_names_the_hub_before_the_settings_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert chosen_endpoint(None) == "https://huggingface.co"
        assert chosen_endpoint("https://mine.example/") == "https://mine.example"
        monkeypatch.setenv("HF_ENDPOINT", " https://hub.example/ ")
        assert chosen_endpoint(None) == chosen_endpoint("https://mine.example") == "https://hub.example"
        monkeypatch.setenv("HF_ENDPOINT", "")
        assert chosen_endpoint("https://mine.example") == "https://mine.example"

    @pytest.mark.parametrize("endpoint", ["http://hub.example", "https://[", "hub.example"])
    def test_a_useless_address_of_the_hub_is_told(self, net: Net, endpoint: str) -> None:
        hub = Hub(net, endpoint=endpoint)

        for ask in (lambda: found(hub), lambda: hub.repo("a/b"), lambda: hub.card("a/b", "main")):
            with pytest.raises(TransferError, match="not an encrypted address"):
                ask()

    def test_the_library_opens_no_connection_of_its_own(self, local: LocalHub, tmp_path: Path) -> None:
        add_tiny(local)
        done = subprocess.run(
            [sys.executable, "-c", _WATCHED, local.url, str(tmp_path / "ledger.db")],
            check=True,
            capture_output=True,
            text=True,
        )
        told = json.loads(done.stdout)

        assert {tuple(address) for address in told["connected"]} == {("127.0.0.1", local.port)}
        assert told["resolved"] == ["127.0.0.1"]
        assert told["opened"] == []


# This asks the hub and notes every connection, every name looked up, and every file written below the home folder.
_WATCHED = """
import json, os, pathlib, sys
connected, resolved, opened = [], set(), []
def note(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        connected.append(arguments[1][:2])
    elif event == "socket.getaddrinfo":
        resolved.add(arguments[0])
    elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        if str(arguments[0]).startswith(os.path.expanduser("~") + os.sep):
            opened.append(str(arguments[0]))
sys.addaudithook(note)
from desktop_llm.models.hub import Hub
from desktop_llm.net.ledger import Ledger
from desktop_llm.net import Net
net = Net(Ledger(pathlib.Path(sys.argv[2])))
hub = Hub(net, endpoint=sys.argv[1])
list(hub.search("tiny"))
hub.card("maker/Tiny-GGUF", hub.repo("maker/Tiny-GGUF").revision)
hub.account("hf_good")
net.close()
print(json.dumps({"connected": connected, "resolved": sorted(resolved), "opened": opened}))
"""

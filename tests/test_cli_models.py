"""`find` and `ledger` as a person and a script use them, with a hub on loopback."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from desktop_llm import cli, settings
from desktop_llm.paths import folders
from tests.hub import Blob, LocalHub, status
from tests.test_cli import answer as program_answer

pytestmark = pytest.mark.usefixtures("known_machine")

GB = 10**9


@dataclass(frozen=True)
class Done:
    """The outcome of a command."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process, which saves the second that a program takes to start."""

    def run(*arguments: str) -> Done:
        code = cli.run(arguments, open_window=lambda *_: 2)
        return Done(code, *capfd.readouterr())

    return run


@pytest.fixture
def answer(run: Run) -> Callable[..., Any]:
    """Run a command and parse the JSON that it printed."""

    def answer(*arguments: str) -> Any:
        done = run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return answer


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    with LocalHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def model(size_gb: float, name: str) -> Blob:
    return Blob(head=b"GGUF", size_bytes=round(size_gb * GB), sha256=hashlib.sha256(name.encode()).hexdigest())


def add_qwen(hub: LocalHub, repo: str = "Qwen/Qwen3-8B-GGUF", **how: Any) -> None:
    parts = {f"BF16/Qwen3-8B-BF16-0000{number}-of-00002.gguf": model(8.2, f"bf{number}") for number in (1, 2)}
    files = {"Qwen3-8B-Q4_K_M.gguf": model(5.03, "q4"), "mmproj-Qwen3-8B-F16.gguf": model(0.9, "mm"), **parts}
    shape = {"total": 8_190_000_000, "architecture": "qwen3", "context_length": 40_960}
    hub.add(repo, files, gguf=shape, **how)


def test_find_prints_repositories_with_their_files(hub: LocalHub) -> None:
    add_qwen(hub, downloads=12, likes=3, license="mit")

    (repo,) = program_answer("find", "qwen3")

    fits = {file.pop("fit") for file in repo["files"]}
    assert fits <= {"fits", "slow", "too_big", None}
    assert repo == {
        "repo": "Qwen/Qwen3-8B-GGUF",
        "downloads": 12,
        "likes": 3,
        "license": "mit",
        "gated": False,
        "files": [
            {
                "name": "Qwen3-8B-Q4_K_M.gguf",
                "quantization": "Q4_K_M",
                "size_bytes": 5_030_000_000,
                "sha256": hashlib.sha256(b"q4").hexdigest(),
            },
            {
                "name": "BF16/Qwen3-8B-BF16-00001-of-00002.gguf",
                "quantization": "BF16",
                "size_bytes": 16_400_000_000,
                "sha256": hashlib.sha256(b"bf1").hexdigest(),
            },
        ],
    }


def test_find_takes_an_id_or_an_address_too(hub: LocalHub, answer: Callable[..., Any]) -> None:
    add_qwen(hub)
    add_qwen(hub, "other/Qwen3-8B-GGUF")

    for query in ("Qwen/Qwen3-8B-GGUF", f"{hub.url}/Qwen/Qwen3-8B-GGUF/tree/main"):
        assert [repo["repo"] for repo in answer("find", query)] == ["Qwen/Qwen3-8B-GGUF"]
    assert hub.asked("/api/models") == []


def test_find_for_a_person_reads_in_plain_words(hub: LocalHub, run: Run) -> None:
    add_qwen(hub, downloads=1_234, gated=True)

    done = run("find", "qwen")

    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert (
        lines[0]
        == "Qwen/Qwen3-8B-GGUF  (1,234 downloads, 0 likes, apache-2.0, its licence must be accepted on its page)"
    )
    assert re.fullmatch(r"  Balanced  Q4_K_M +5\.0 GB  (Fits|Slow|Too big)( +recommended here)?", lines[1])
    assert hub.url in done.stderr


def test_find_sorts_filters_and_stops_where_told(hub: LocalHub, answer: Callable[..., Any], run: Run) -> None:
    add_qwen(hub, "a/low", downloads=1)
    add_qwen(hub, "a/high", downloads=9)
    add_qwen(hub, "a/mit", downloads=5, license="mit")

    assert [repo["repo"] for repo in answer("find", "a", "--sort", "downloads", "--limit", "2")] == ["a/high", "a/mit"]
    assert [repo["repo"] for repo in answer("find", "a", "--license", "mit")] == ["a/mit"]
    assert answer("find", "nothing like that") == []
    assert "Nothing was found" in run("find", "nothing like that").stdout


def test_a_repository_that_fails_is_told_and_spoils_no_other(hub: LocalHub, run: Run) -> None:
    add_qwen(hub, "a/good")
    add_qwen(hub, "a/bad")
    hub.behave("/api/models/a/bad", status(500))

    done = run("find", "a", "--json")

    assert [repo["repo"] for repo in json.loads(done.stdout)] == ["a/good"]
    assert "had an error of its own" in done.stderr


@pytest.mark.parametrize(
    ("code", "words"), [(503, "overloaded"), (429, "too many requests"), (401, "who is asking"), (200, "login page")]
)
def test_a_hub_that_fails_is_one_sentence_and_status_one(hub: LocalHub, run: Run, code: int, words: str) -> None:
    hub.behave("*", status(code, body=b"<html>", headers={"Content-Type": "text/html"}))

    done = run("find", "qwen")

    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_offline_in_the_settings_lets_nothing_leave(
    hub: LocalHub, home: Path, answer: Callable[..., Any], run: Run
) -> None:
    settings.save(folders(home).settings, settings.Settings(offline=True))

    done = run("find", "qwen")

    assert done.returncode == 1
    assert "Offline is on" in done.stderr
    assert hub.seen == []
    assert answer("ledger") == []


def test_the_ledger_tells_every_request_the_newest_first(
    hub: LocalHub, home: Path, answer: Callable[..., Any], run: Run
) -> None:
    add_qwen(hub)
    assert "No request from this computer is recorded" in run("ledger").stdout
    answer("find", "qwen")

    rows = answer("ledger")

    place = hub.url.removeprefix("http://")
    assert [(row["host"], row["purpose"], row["result"]) for row in rows] == [
        (place, "list files", "ok"),
        (place, "search models", "ok"),
    ]
    assert all(datetime.fromisoformat(row["time"]).tzinfo for row in rows)
    assert all(row["bytes_in"] > 100 and row["bytes_out"] > 100 for row in rows)
    assert "search models" in run("ledger").stdout
    folders(home).ledger_db.unlink()
    told = run("ledger").stdout
    assert "is lost or can't be read" in told
    assert "No request from" not in told
    assert "is lost" in run("ledger", "--json").stderr


def test_the_hub_of_the_settings_is_asked_where_the_environment_names_none(
    hub: LocalHub, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.save(folders(home).settings, settings.Settings(endpoint="http://127.0.0.1:1"))
    assert run("find", "tiny").returncode == 0

    monkeypatch.delenv("HF_ENDPOINT")
    settings.save(folders(home).settings, settings.Settings(endpoint=hub.url))
    assert run("find", "tiny").returncode == 0
    assert len(hub.asked("/api/models")) == 2


@pytest.mark.parametrize("command", [[], ["find"], ["pull"]])
def test_the_help_says_where_models_come_from(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.run([*command, "--help"], open_window=lambda *_: 2)
    said = " ".join(capsys.readouterr().out.split())
    assert "HF_ENDPOINT, otherwise from the one in the settings, otherwise from https://huggingface.co" in said


def test_a_token_from_the_environment_is_used_and_not_printed(
    hub: LocalHub, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.tokens["hf_secret"] = "person"
    add_qwen(hub)

    done = run("find", "qwen")

    assert {seen.headers.get("authorization") for seen in hub.seen} == {"Bearer hf_secret"}
    assert "hf_secret" not in done.stdout + done.stderr

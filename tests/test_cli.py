"""The command line as a person and a script use it: the real program, the real starter model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from desktop_llm.models.library import Library
from desktop_llm.paths import folders


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """The program as it is installed, with this test's own home."""
    return subprocess.run(
        [sys.executable, "-m", "desktop_llm", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=dict(os.environ),
        timeout=120,
    )


def answer(*arguments: str, stdin: str = "") -> Any:
    """What the program printed as JSON."""
    done = run(*arguments, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_doctor_says_that_machine_engine_and_stores_are_well(home: Path) -> None:
    report = answer("doctor")
    assert report["home"] == str(home)
    assert set(report["hardware"]) == {"cpu", "cores", "ram_bytes", "gpus"}
    assert report["engine"]["ok"], report["engine"]["reason"]
    assert report["engine"]["backends"]
    assert report["stores"] == {"chats": "ok", "knowledge": "ok"}


def test_list_shows_both_starters() -> None:
    rows = {row["id"]: row for row in answer("list")}
    starter = rows["smollm2-135m-instruct.q4_1"]
    assert (starter["kind"], starter["quantization"], starter["architecture"]) == ("chat", "Q4_1", "llama")
    assert "embedding" in {row["kind"] for row in rows.values()}


def test_chat_answers_with_all_of_its_figures() -> None:
    said = answer("chat", "Say hello.", "--temperature", "0", "--max-tokens", "8", "--seed", "1")
    assert said["text"]
    assert said["model"] == "smollm2-135m-instruct.q4_1"
    assert said["finish_reason"] in ("stop", "length")
    assert 0 < said["usage"]["completion_tokens"] <= 8
    assert set(said["timings"]) == {"load_s", "ttft_s", "prompt_tps", "generation_tps"}
    assert said["citations"] == said["sources"] == []


def test_the_same_seed_gives_the_same_answer() -> None:
    ask = ("chat", "Tell me a story.", "--temperature", "1", "--seed", "7", "--max-tokens", "12")
    assert answer(*ask)["text"] == answer(*ask)["text"]


def test_the_prompt_may_come_from_stdin_and_the_answer_streams_as_text() -> None:
    done = run("chat", "-", "--max-tokens", "4", "--temperature", "0", stdin="Say hello.")
    assert done.returncode == 0
    assert done.stdout.strip()


def test_earlier_messages_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "messages.json"
    file.write_text(json.dumps([{"role": "user", "content": "I am Ada."}, {"role": "assistant", "content": "Hello!"}]))
    alone = answer("chat", "Who am I?", "--max-tokens", "4")
    after = answer("chat", "Who am I?", "--max-tokens", "4", "--messages", str(file))
    assert after["usage"]["prompt_tokens"] > alone["usage"]["prompt_tokens"]


def test_a_saved_chat_is_in_the_store(home: Path) -> None:
    answer("chat", "Say hello.", "--max-tokens", "4", "--save")
    from desktop_llm.chats.store import ChatReader

    with ChatReader(folders().chats_db) as chats:
        (conversation,) = chats.conversations()
        assert [message.role for message in chats.messages(conversation.id)] == ["user", "assistant"]


def test_an_imported_model_is_listed_used_and_removed(tmp_path: Path) -> None:
    file = tmp_path / "My Model.gguf"
    file.write_bytes(Library(folders()).starter().path.read_bytes())
    imported = answer("import", str(file))
    assert imported["size_bytes"] == file.stat().st_size
    assert "my model" in [row["id"] for row in answer("list")]
    assert answer("chat", "Hi", "-m", "my model", "--max-tokens", "2")["model"] == "my model"
    assert answer("rm", "my model")["sha256"] == imported["sha256"]
    assert "my model" not in [row["id"] for row in answer("list")]
    assert file.exists()


def test_what_is_not_a_model_is_refused_in_one_sentence(tmp_path: Path) -> None:
    for name, content in {"a.gguf": b"not a model", "b.gguf": b"", "c.gguf": b"GGUF\x03\0\0\0" + b"\xff" * 16}.items():
        (tmp_path / name).write_bytes(content)
        done = run("import", str(tmp_path / name))
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert run("import", str(tmp_path / "missing.gguf")).returncode == 1


def test_a_message_longer_than_the_context_is_told_with_both_numbers() -> None:
    done = run("chat", "-", "--context-length", "256", stdin="word " * 4000)
    assert done.returncode == 1
    assert "4,0" in done.stderr
    assert "192" in done.stderr  # of 256, the rest is kept free for the answer


@pytest.mark.parametrize("arguments", [("nonsense",), ("chat", "hi", "--temperature", "9"), ("index", "add", "x")])
def test_wrong_usage_leaves_with_status_two(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).returncode == 2


def test_the_home_may_stand_before_or_after_the_command(tmp_path: Path) -> None:
    for arguments in (["--home", str(tmp_path / "a"), "index", "status"], ["index", "status", "--home", str(tmp_path)]):
        assert answer(*arguments) == []
    assert (tmp_path / "a" / "data").is_dir()
    assert (tmp_path / "data").is_dir()


def test_a_home_that_can_t_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for arguments in (["list"], []):
        done = run(*arguments, "--home", str(tmp_path / "file"))
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr


def test_messages_that_end_in_a_question_need_no_prompt(tmp_path: Path) -> None:
    file = tmp_path / "messages.json"
    file.write_text(json.dumps([{"role": "user", "content": "Say hello."}]))
    assert answer("chat", "--messages", str(file), "--max-tokens", "2")["text"]
    file.write_text(json.dumps([{"role": "user", "content": None}]))
    assert run("chat", "--messages", str(file)).returncode == 1


def test_a_reader_that_leaves_is_no_error_of_ours() -> None:
    ask = [sys.executable, "-m", "desktop_llm", "chat", "Tell me a story.", "--max-tokens", "40"]
    with subprocess.Popen(ask, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.read(1)
        program.stdout.close()
        assert program.stderr.read() == b""
    assert program.returncode == 1


def test_an_unknown_model_is_a_sentence() -> None:
    done = run("chat", "hi", "-m", "no-such-model")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "no-such-model" in done.stderr


def test_bench_prints_every_figure() -> None:
    figures = answer("bench", "--prompt-tokens", "32", "--tokens", "8")
    assert set(figures) == {"prompt_tps", "generation_tps", "ttft_s", "load_s", "peak_rss_bytes", "backend"}
    assert figures["generation_tps"] > 0

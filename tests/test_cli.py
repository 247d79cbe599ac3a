"""The command line as a person and a script use it: the real program, the real starter model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from desktop_llm.commands.bench import Result, Run, table
from desktop_llm.engine.client import LoadSettings
from desktop_llm.models import benches
from desktop_llm.models.facts import Facts
from desktop_llm.models.library import Library
from desktop_llm.paths import asset, folders
from tests.engine.script_models import script_model

pytestmark = pytest.mark.usefixtures("known_machine")


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


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's confinement is Linux's")
def test_doctor_says_whether_the_kernel_confines_the_worker_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert answer("doctor")["confinement"]["network"] is True
    unknown = "import platform\nplatform.machine = lambda: 'riscv64'\n"  # a processor whose calls the filter can't name
    (tmp_path / "sitecustomize.py").write_text(unknown)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    found = answer("doctor")["confinement"]
    assert found["network"] is False
    assert found["says"].startswith("This system can't keep the programs that handle models and documents off the")


def test_an_answer_keeps_to_a_schema_and_says_what_else_might_have_come(tmp_path: Path) -> None:
    schema = tmp_path / "person.json"
    schema.write_text('{"properties": {"age": {"type": "integer", "maximum": 99, "minimum": 1}}, "required": ["age"]}')
    ask = ("chat", "How old are you?", "--preset", "precise", "--seed", "1", "--max-tokens", "30")
    said = answer(*ask, "--json-schema", str(schema), "--set", "dry_base=1.5", "--alternatives", "2")
    assert 1 <= json.loads(said["text"])["age"] <= 99
    assert len(said["alternatives"][0]["likeliest"]) == 2


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (("--set", "dry_base=99"), "dry_base must be from 1 to 10, not 99."),
        (("--logit-bias", "word"), "--logit-bias can't be word."),
    ],
)
def test_a_sampling_option_that_makes_no_sense_is_told(option: tuple[str, str], sentence: str) -> None:
    done = run("chat", "Hi", *option)
    assert done.returncode == 1
    assert sentence in done.stderr


def test_list_shows_both_starters() -> None:
    rows = {row["id"]: row for row in answer("list")}
    starter = rows["smollm2-135m-instruct.q4_1"]
    assert (starter["kind"], starter["quantization"], starter["architecture"]) == ("chat", "Q4_1", "llama")
    assert "embedding" in {row["kind"] for row in rows.values()}


def test_chat_begins_with_what_the_model_s_makers_recommend_and_an_option_goes_first(home: Path) -> None:
    catalog = json.loads(asset("catalog.json").read_bytes())
    file = "SmolLM2-135M-Instruct.Q4_1.gguf"
    model = {**catalog["models"][0], "file": file, "quantization": "Q4_1", "sampling": {"temperature": 0}}
    (home / "data").mkdir(parents=True, exist_ok=True)
    (home / "data/catalog.json").write_text(json.dumps({**catalog, "version": 30_000_101, "models": [model]}))
    ask = ("chat", "Say hello.", "--max-tokens", "8")
    usual = [answer(*ask, "--seed", seed)["text"] for seed in ("1", "2")]
    assert usual[0] == usual[1], "always the likeliest token"
    assert answer(*ask, "--temperature", "5", "--seed", "3")["text"] != usual[0]


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


def test_an_answer_is_gone_on_with_from_where_it_ends(tmp_path: Path) -> None:
    file, begun = tmp_path / "messages.json", "Lisbon is the capital"
    asked = [{"role": "user", "content": "Where is Lisbon?"}, {"role": "assistant", "content": begun}]
    file.write_text(json.dumps(asked))
    said = answer("chat", "--messages", str(file), "--continue", "--max-tokens", "8", "--temperature", "0")
    assert said["text"].startswith(f"{begun} of Portugal")
    file.write_text(json.dumps(asked[:1]))
    done = run("chat", "--messages", str(file), "--continue")
    assert (done.returncode, "There is no answer to go on with." in done.stderr) == (1, True)


@pytest.mark.parametrize("byte_order_mark", ["", "\ufeff"])
def test_earlier_messages_may_be_written_as_other_programs_write_them(tmp_path: Path, byte_order_mark: str) -> None:
    file, parts = (
        tmp_path / "messages.json",
        [{"type": "text", "text": "I am Ada."}, {"type": "text", "text": "Hello!"}],
    )
    file.write_text(byte_order_mark + json.dumps([{"role": "user", "content": parts}]), encoding="utf-8")
    plain = answer("chat", "I am Ada.\nHello!", "--max-tokens", "4", "--temperature", "0")
    assert answer("chat", "--messages", str(file), "--max-tokens", "4", "--temperature", "0")["text"] == plain["text"]


def test_what_is_no_picture_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "messages.json"
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    file.write_text(json.dumps([{"role": "user", "content": [picture]}]))
    done = run("chat", "--messages", str(file))
    assert done.returncode == 1
    assert "not a picture the app can read" in done.stderr


def test_a_model_that_only_thought_says_so(tmp_path: Path) -> None:
    thinker = tmp_path / "thinker.gguf"
    data = Library(folders()).starter().path.read_bytes()
    # Its template opens the thinking; the system message is shortened by as much, so that the file keeps its length.
    changes = {b"assistant\n' }}": b"assistant\n<think>' }}", b"You are a helpful AI": b"You are an AI"}
    for before, after in changes.items():
        assert data.count(before) == 1
        data = data.replace(before, after)
    thinker.write_bytes(data)
    answer("import", str(thinker))
    asked = ("chat", "Say hello.", "-m", "thinker", "--max-tokens", "6", "--temperature", "0")
    said = answer(*asked)
    assert (said["text"], bool(said["thinking"])) == ("", True)
    done = run(*asked)
    assert done.stdout.strip() == ""
    assert "kept thinking and wrote no answer" in done.stderr


def test_chat_with_a_tool_tells_each_step_and_prints_the_calls(home: Path, tmp_path: Path) -> None:
    template = (
        "{{ tools }}{% for each in messages %}{{ each.content }}{{ each.tool_calls | default('') }}{% endfor %}"
        "{% if messages[-1].role == 'tool' %}<|result|>{% else %}<|go|>{% endif %}"
    )
    call = '{"name": "calculator", "arguments": {"expression": "3 * 1180"}}'
    marks = ("<|go|>", "<|result|>", "<tool_call>")
    asks = ("<|go|>", "<tool_call>", call), ("<|result|>", "That makes 3,540.")
    path = script_model(tmp_path / "asks.gguf", template, *asks, marks=marks)
    Library(folders(home)).import_file(path)
    done = run("chat", "How much is it?", "-m", "asks", "--tool", "calculator", "--json")
    assert "Calculated 3 * 1180 = 3540" in done.stderr
    found = json.loads(done.stdout)
    assert found["text"] == "That makes 3,540."
    assert found["tool_calls"] == [{"name": "calculator", "arguments": {"expression": "3 * 1180"}, "result": "3540"}]


def test_a_saved_chat_is_in_the_store(home: Path) -> None:
    answer("chat", "Say hello.", "--max-tokens", "4", "--save")
    from desktop_llm.chats.reader import ChatReader

    with ChatReader(folders().chats_db) as chats:
        (conversation,) = chats.conversations()
        assert [message.role for message in chats.messages(conversation.id)] == ["user", "assistant"]


def test_a_conversation_in_the_terminal_is_saved_even_if_its_last_question_failed(home: Path) -> None:
    pty = pytest.importorskip("pty")
    keyboard, terminal = pty.openpty()
    short = ("--context-length", "256", "--max-tokens", "4", "--save")
    line = [sys.executable, "-m", "desktop_llm", "chat", *short]
    os.write(keyboard, b"Say hello.\n" + b"too long " * 400 + b"\n\x04")
    done = subprocess.run(line, stdin=terminal, capture_output=True, text=True, timeout=120, check=False)
    os.close(keyboard)
    os.close(terminal)
    assert done.returncode == 0, done.stderr
    from desktop_llm.chats.reader import ChatReader

    with ChatReader(folders().chats_db) as chats:
        (conversation,) = chats.conversations()
        messages = chats.messages(conversation.id)
    assert conversation.title == "Say hello"
    assert [message.role for message in messages] == ["user", "assistant"] * 2
    assert messages[1].text
    assert messages[-1].status in ("error", "interrupted")


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
    assert "192" in done.stderr  # of 256; the rest is kept free for the answer


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("chat", "hi", "--temperature", "9"), ("index", "add"), ("search", "x")]
)
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
    assert answer("chat", "--messages", str(file), "--max-tokens", "2", "--temperature", "0")["text"]
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


def test_bench_compares_formats_of_the_kv_cache_and_keeps_the_results(home: Path) -> None:
    compared = ("bench", "--prompt-tokens", "32", "--tokens", "4", "--context-length", "4096", "--kv-type")
    wide, narrow = answer(*compared, "f16,q8_0/q4_0")
    assert (narrow["kv_type_k"], narrow["kv_type_v"]) == ("q8_0", "q4_0")
    assert narrow["peak_rss_bytes"] < wide["peak_rss_bytes"]
    kept = benches.kept(Facts(folders(home).facts_db), wide["model"])
    assert [bench.kv_type_v for bench in kept] == ["f16", "q4_0"]
    compared_run = Run(Library(folders(home)).starter(), LoadSettings())
    lines = list(table([Result(compared_run, bench) for bench in kept]))
    assert lines[0].split()[:4] == ["Model", "Size", "KV", "cache"]
    assert [line.split()[2] for line in lines[1:3]] == ["f16", "q8_0/q4_0"]
    assert len({len(line) for line in lines[:3]}) == 1, "aligned"


def test_an_unknown_format_of_the_kv_cache_is_wrong_usage() -> None:
    wrong = run("bench", "--kv-type", "f16,q9")
    assert wrong.returncode == 2
    assert "there is no KV cache type “q9”" in wrong.stderr

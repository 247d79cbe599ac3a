"""The header reader: the facts of good files, and the sentence for every bad one."""

from __future__ import annotations

import contextlib
import io
import json
import random
import struct
from pathlib import Path

import pytest

from desktop_llm.errors import ModelFileError
from desktop_llm.models.gguf import Header, read_header, read_header_from
from desktop_llm.models.gguf.reader import CHUNK_BYTES, MAX_STRING_BYTES
from desktop_llm.models.gguf.shape import Shape
from desktop_llm.models.names import printable, size_label
from tests.models.adapter_files import adapter
from tests.models.gguf_files import CHAT, Entry, gguf, model, projector, split_model, tensor, text

EMBEDDING = tensor("token_embd.weight", [16, 16])


def read(tmp_path: Path, data: bytes) -> Header:
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    return read_header(path)


def with_entries(**changed: Entry) -> dict[str, Entry]:
    return {**CHAT, **{key.replace("__", "."): entry for key, entry in changed.items()}}


def test_a_chat_model_tells_its_name_size_and_template(tmp_path: Path) -> None:
    header = read_header(model(tmp_path / "tiny.gguf"))
    assert header == Header(
        architecture="llama",
        name="Tiny",
        quantization="Q4_K_M",
        context_length=2_048,
        layers=2,
        chat_template="{{ messages }}",
        kind="chat",
        size_label="",
        parameters=256,
        parts=1,
        shape=Shape(
            layers=2,
            vocabulary=3,
            kv_values=(0, 0),
            key_values=(0, 0),
            layer_bytes=(0, 0),
            embedding_bytes=1_024,
            active=(("F32", 256),),
            output=(("F32", 256),),
            matrix_bytes=(("F32", 1_024),),
        ),
        sampling={},
    )


def test_it_tells_the_sampling_that_its_makers_recommend(tmp_path: Path) -> None:
    entries = with_entries(
        general__sampling__temp=0.6,
        general__sampling__top_k=20,
        general__sampling__penalty_repeat=1.05,
        general__sampling__top_p=float("nan"),
        general__sampling__min_p="much",
    )
    header = read_header(model(tmp_path / "tiny.gguf", entries))
    assert header.sampling == {"temperature": 0.6, "top_k": 20, "repeat_penalty": 1.05}


def test_without_a_file_type_the_commonest_number_format_is_the_quantization(tmp_path: Path) -> None:
    entries = {key: entry for key, entry in CHAT.items() if key != "general.file_type"}
    assert read(tmp_path, gguf(entries, [tensor("w", [256], kind=12)], data_bytes=144)).quantization == "Q4_K"


def test_an_embedding_model_is_known_by_its_architecture_or_pooling(tmp_path: Path) -> None:
    bert = read(tmp_path, gguf({"general.architecture": "bert"}, [EMBEDDING], data_bytes=1_024))
    pooled = read(tmp_path, gguf(with_entries(llama__pooling_type=1), [EMBEDDING], data_bytes=1_024))
    assert bert.kind == pooled.kind == "embedding"


def test_an_adapter_and_a_projector_are_known_by_their_type(tmp_path: Path) -> None:
    assert read_header(adapter(tmp_path / "a.gguf", {"blk.0.attn_q.weight": (16, 8)})).kind == "adapter"
    assert read_header(projector(tmp_path / "c.gguf")).kind == "projector"
    assert read_header(model(tmp_path / "b.gguf", with_entries(general__architecture="clip"))).kind == "part"


def test_a_file_without_weights_is_only_a_part(tmp_path: Path) -> None:
    assert read(tmp_path, gguf(CHAT)).kind == "part"


def test_a_truncated_file_tells_how_much_is_here(tmp_path: Path) -> None:
    data = gguf(CHAT, [tensor("w", [1_000_000])], data_bytes=1_000_000)
    with pytest.raises(ModelFileError, match=r"ends too early: 1\.0 of 4\.0 MB are here\. Download it again"):
        read(tmp_path, data)


@pytest.mark.parametrize("kept", [0.1, 0.3, 0.6, 0.9])
def test_a_file_cut_within_its_header_is_told_so(tmp_path: Path, kept: float) -> None:
    data = gguf(CHAT, [EMBEDDING])
    with pytest.raises(ModelFileError, match="stops within its header"):
        read(tmp_path, data[: int(len(data) * kept)])


@pytest.mark.parametrize("data", [b"", b"GGUF", b"%PDF-1.7 and so on, for a while longer than a header", bytes(100)])
def test_another_kind_of_file_is_told_so(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ModelFileError, match=r"model\.gguf is not a GGUF model file"):
        read(tmp_path, data)


def test_an_unknown_architecture_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"architecture this version does not know \(“wizard”\)"):
        read_header(model(tmp_path / "m.gguf", with_entries(general__architecture="wizard\u202e")))


class Trickle(io.BytesIO):
    """A stream that can't seek and gives a few bytes at a time, as a network does."""

    def read(self, count: int | None = -1) -> bytes:
        return super().read(min(count or 0, 700))

    def seekable(self) -> bool:
        return False


def test_a_stream_tells_the_same_as_the_file_and_is_not_read_to_its_end(tmp_path: Path) -> None:
    data = gguf(CHAT, [tensor("token_embd.weight", [16, 1_000_000])], data_bytes=64_000_000)
    stream = Trickle(data)
    assert read_header_from(stream, len(data), "remote.gguf") == read(tmp_path, data)
    assert stream.tell() < 2_000_000


def test_a_header_survives_being_stored_as_json(tmp_path: Path) -> None:
    header = read_header(model(tmp_path / "tiny.gguf"))
    assert Header.from_json(json.loads(json.dumps(header.to_json()))) == header


def test_the_first_part_speaks_for_the_whole_model_and_the_others_are_parts(tmp_path: Path) -> None:
    first, second, _ = split_model(tmp_path)
    header = read_header(first)
    assert (header.kind, header.parts, header.parameters) == ("chat", 3, 768)
    assert header.shape.layer_bytes == (1_024, 1_024, 1_024)
    assert read_header(second).kind == "part"


def test_a_missing_or_damaged_part_is_named(tmp_path: Path) -> None:
    first, second, _ = split_model(tmp_path)
    second.write_bytes(second.read_bytes()[:-900])
    with pytest.raises(ModelFileError, match=r"big-00002-of-00003\.gguf ends too early"):
        read_header(first)
    second.unlink()
    with pytest.raises(ModelFileError, match=r"needs big-00002-of-00003\.gguf beside it, part 2 of 3"):
        read_header(first)


def test_a_missing_file_is_told_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="No such file"):
        read_header(tmp_path / "gone.gguf")


BROKEN = {
    "an absurd number of tensors": b"GGUF" + struct.pack("<IQQ", 3, 1 << 40, 0) + bytes(64),
    "an absurd number of entries": b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 40) + bytes(64),
    "text of absurd length": b"GGUF"
    + struct.pack("<IQQ", 3, 0, 1)
    + struct.pack("<Q", MAX_STRING_BYTES + 1)
    + bytes(64),
    "GGUF version": gguf(CHAT, version=9),
    "claims 5,000 layers": gguf(with_entries(llama__block_count=5_000), [EMBEDDING], data_bytes=1_024),
    "absurd alignment": gguf(with_entries(general__alignment=3), [EMBEDDING], data_bytes=1_024),
    "first of 3 files of a model": gguf(with_entries(split__count=3), [EMBEDDING], data_bytes=1_024),
    "claims to be part 4 of 3": gguf(with_entries(split__count=3, split__no=3), [EMBEDDING], data_bytes=1_024),
    "vocabulary of the wrong type": gguf(with_entries(tokenizer__ggml__scores=["a"]), [EMBEDDING], data_bytes=1_024),
    "byte token": gguf(with_entries(tokenizer__ggml__tokens=["<0x-1>"]), [EMBEDDING], data_bytes=1_024),
    "names one tensor twice": gguf(
        CHAT, [EMBEDDING, tensor("token_embd.weight", [16, 16], offset=1_024)], data_bytes=2_048
    ),
    "out of place": gguf(CHAT, [tensor("w", [16], offset=7)], data_bytes=1_024),
    "tensor without a shape": gguf(CHAT, [tensor("w", [])], data_bytes=1_024),
    "tensor of absurd size": gguf(CHAT, [tensor("w", [1 << 40, 1 << 40])], data_bytes=1_024),
    "number format": gguf(CHAT, [tensor("w", [16], kind=77)], data_bytes=1_024),
    "names one property twice": b"GGUF"
    + struct.pack("<IQQ", 3, 0, 2)
    + 2 * (text("general.architecture") + struct.pack("<I", 8) + text("llama")),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_a_header_that_lies_is_refused_with_its_reason(tmp_path: Path, reason: str) -> None:
    with pytest.raises(ModelFileError, match=reason):
        read(tmp_path, BROKEN[reason])


def test_long_vocabularies_are_walked_across_the_reader_s_chunks(tmp_path: Path) -> None:
    tokens: list[str] = [f"token number {number}" * (number % 7) for number in range(60_000)]
    lists: dict[str, Entry] = {
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [0.5] * len(tokens),
        "tokenizer.ggml.token_type": [1] * len(tokens),
    }
    data = gguf({**CHAT, **lists, "last.entry": "seen"}, [EMBEDDING], data_bytes=1_024)
    assert read(tmp_path, data).parameters == 256


@pytest.mark.parametrize("shift", range(-16, 4))
def test_a_byte_token_is_checked_also_where_the_reader_s_chunks_meet(tmp_path: Path, shift: int) -> None:
    def data(padding: int) -> bytes:
        tokens = ["y" * padding, "<0x-1>"]
        lists: dict[str, Entry] = {
            "tokenizer.ggml.tokens": [*tokens, "a"],
            "tokenizer.ggml.scores": [0.5] * 3,
            "tokenizer.ggml.token_type": [1] * 3,
        }
        return gguf({**CHAT, **lists}, [EMBEDDING], data_bytes=1_024)

    to_the_next_chunk = CHUNK_BYTES - data(0).index(b"<0x-1>")
    with pytest.raises(ModelFileError, match="byte token"):
        read(tmp_path, data(to_the_next_chunk + shift))


def test_mutants_are_read_or_refused_and_nothing_else(tmp_path: Path) -> None:
    good = gguf(CHAT, [EMBEDDING], data_bytes=1_024)
    draw = random.Random(20)
    for _ in range(1_500):
        mutant = bytearray(good)
        for _ in range(draw.randint(1, 6)):
            mutant[draw.randrange(len(good) - 1_024)] = draw.randrange(256)
        with contextlib.suppress(ModelFileError):
            read(tmp_path, bytes(mutant))


def test_names_lose_what_could_deceive_a_reader() -> None:
    assert printable("Model\u202e\x1b[31m\n v2 ") == "Model[31m v2"


def test_parameter_counts_have_their_customary_short_form() -> None:
    assert [size_label(count) for count in (134_515_008, 1_540_000_000, 70_600_000_000, 12)] == [
        "135M",
        "1.5B",
        "71B",
        "",
    ]

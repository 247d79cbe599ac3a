"""LoRA adapters: what is read of them, what is refused before llama.cpp sees it, and which models they fit."""

from __future__ import annotations

import json
import math
import struct
from array import array
from pathlib import Path
from typing import Any

import pytest

from desktop_llm.errors import BadRequest, ModelFileError, NotFound, UserError
from desktop_llm.models.gguf import check_adapter, read_header
from desktop_llm.models.library import Library
from desktop_llm.models.library.adapters import base_name, base_of, fits, ready, take_in
from tests.models.adapter_files import ADAPTER, BASE, Piece, adapter, base_model, halves, packed, peft
from tests.models.gguf_files import Entry, Raw

Q = {"blk.0.attn_q.weight": (16, 8)}
A, B = halves(Q)
ZEROS = bytes(4 * 16)


def test_an_adapter_tells_its_base_its_rank_and_what_it_changes(tmp_path: Path) -> None:
    header = read_header(adapter(tmp_path / "a.gguf", {**Q, "output.weight": (16, 32)}, rank=3))
    assert header.kind == "adapter"
    assert header.adapter is not None
    assert (header.adapter.base, header.adapter.rank, header.adapter.alpha) == ("Tiny", 3, 4.0)
    assert dict(header.adapter.weights) == {**Q, "output.weight": (16, 32)}


def made(*pieces: Piece, **entries: Entry) -> bytes:
    named = {key.replace("__", "."): entry for key, entry in entries.items()}
    return packed({**ADAPTER, **named}, pieces or [A, B])


HOSTILE = {
    "of no architecture": (made(general__architecture="magic"), "architecture this version does not know"),
    "of another kind": (made(adapter__type="ia3"), "kind this version does not know"),
    "with a type that is a number": (made(adapter__type=3), "wrong type"),
    "with an alpha that is a whole number": (made(adapter__lora__alpha=4), "wrong type"),
    "with an alpha that is no number": (made(adapter__lora__alpha=math.nan), "number that can't be"),
    "with an alpha without end": (made(adapter__lora__alpha=math.inf), "number that can't be"),
    "with an alpha below zero": (made(adapter__lora__alpha=-1.0), "number that can't be"),
    "that waits for words": (
        made(adapter__alora__invocation_tokens=Raw(9, struct.pack("<IQI", 4, 1, 7))),
        "waits for certain words",
    ),
    "of nothing": (made(("blk.0.attn_norm.weight", [16], 0, ZEROS)), "changes nothing"),
    "of one half": (made(A), "only half of a change"),
    "of a name that models do not have": (made(A, B, ("magic", [16], 0, ZEROS)), "models do not have"),
    "of a name with a suffix twice": (
        made(("blk.0.attn_q.weight.lora_a.lora_a", A[1], 0, A[3]), B),
        "models do not have",
    ),
    "of a bias": (made(A, B, ("blk.0.attn_q.bias", [16], 0, ZEROS)), "models do not have"),
    "of a name longer than llama.cpp's": (
        made((f"blk.0.{'q' * 60}.weight.lora_a", A[1], 0, A[3]), B),
        "models do not have",
    ),
    "of two ranks": (made((A[0], [16, 1], 0, A[3][:64]), B), "do not fit together"),
    "of a third dimension in one half": (made((A[0], [16, 1, 2], 0, A[3]), B), "do not fit together"),
    "of a third dimension in both halves": (
        made((A[0], [16, 2, 2], 0, A[3] * 2), (B[0], [2, 8, 2], 0, B[3] * 2)),
        "do not fit together",
    ),
    "of a fourth dimension": (made((A[0], [16, 2, 1, 2], 0, A[3] * 2), B), "do not fit together"),
    "of whole numbers": (made((A[0], A[1], 26, A[3]), B), "can't be computed with"),
    "of a format without rows": (made(A, (B[0], [256, 8], 12, bytes(144 * 8))), "can't be computed with"),
    "with a half twice": (made(A, B, B), "one tensor twice"),
    "without its end": (made()[:-100], "ends too early"),
    "of an embedding that is not looked up": (
        made(*halves({"token_embd.weight": (16, 32)})),
        "do not fit together",
    ),
}


@pytest.mark.parametrize("fault", HOSTILE)
def test_a_faulty_adapter_is_refused_with_its_reason(tmp_path: Path, fault: str) -> None:
    data, reason = HOSTILE[fault]
    path = tmp_path / "a.gguf"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=reason):
        read_header(path)


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (0, struct.pack("<f", math.nan)),
        (0, struct.pack("<f", -math.inf)),
        (0, struct.pack("<f", 1e30)),
        (1, struct.pack("<e", math.nan)),
        (1, struct.pack("<e", math.inf)),
        (30, struct.pack("<f", math.nan)[2:]),
        (8, struct.pack("<e", math.nan) + bytes(32)),
    ],
)
def test_a_weight_that_is_no_number_is_found_wherever_it_is(tmp_path: Path, kind: int, number: bytes) -> None:
    path, rank = tmp_path / "a.gguf", 32
    sound = {0: struct.pack("<f", 0.1), 1: struct.pack("<e", -6e4), 30: b"\x80\xbf", 8: b"\x00\x3c" + bytes(32)}[kind]
    a, b = (sound * (16 * rank), sound * (rank * 8)) if kind != 8 else (sound * 16, sound * 8)
    shapes: list[tuple[str, list[int]]] = [(A[0], [rank if kind == 8 else 16, rank]), (B[0], [rank, 8])]
    a = sound * rank if kind == 8 else a
    path.write_bytes(packed(ADAPTER, [(*shapes[0], kind, a), (*shapes[1], kind, b)]))
    check_adapter(path)
    path.write_bytes(packed(ADAPTER, [(*shapes[0], kind, a), (*shapes[1], kind, b[: -len(number)] + number)]))
    with pytest.raises(ModelFileError, match=r"weights that are no numbers \(blk\.0\.attn_q\.weight\.lora_b\)"):
        check_adapter(path)


class TestLibrary:
    """Adapters among the models."""

    @pytest.fixture
    def base(self, library: Library, tmp_path: Path) -> str:
        return library.import_file(base_model(tmp_path / "tiny.gguf")).model.id

    def test_it_is_taken_in_listed_and_known_to_fit(self, library: Library, base: str, tmp_path: Path) -> None:
        taken = take_in(library, adapter(tmp_path / "Cheerful-r2.gguf", Q)).model
        assert (taken.id, taken.kind, taken.state) == ("cheerful-r2", "adapter", "ok")
        model = library.get(base)
        assert fits(library, taken, model)
        assert base_of(library, taken) == model
        assert ready(library, "cheerful-r2", 0.7, model).path == taken.path
        assert library.default() != taken

    def test_it_is_used_from_a_file_that_was_not_taken_in(self, library: Library, base: str, tmp_path: Path) -> None:
        path = adapter(tmp_path / "a.gguf", Q)
        assert ready(library, str(path), 1, library.get(base)).path == path

    @pytest.mark.parametrize(
        ("weights", "entries"),
        [
            ({"blk.0.attn_q.weight": (16, 16)}, {}),
            ({"blk.1.attn_q.weight": (16, 8)}, {}),
            (Q, {"general.architecture": "qwen2"}),
        ],
    )
    def test_one_for_another_model_is_kept_and_not_used(
        self, library: Library, base: str, tmp_path: Path, weights: dict[str, tuple[int, int]], entries: dict[str, str]
    ) -> None:
        path = adapter(tmp_path / "a.gguf", weights, entries={"general.base_model.0.name": "Gemma 3 4B", **entries})
        taken = take_in(library, path).model
        assert base_of(library, taken) is None
        assert base_name(library, taken) == "Gemma 3 4B"
        with pytest.raises(BadRequest, match=r"was made for Gemma 3 4B, not for this model\. .* is unchanged"):
            ready(library, taken.id, 1, library.get(base))

    def test_a_change_of_an_embedding_that_is_the_output_too_does_not_fit(
        self, library: Library, base: str, tmp_path: Path
    ) -> None:
        a = ("token_embd.weight.lora_a", [2, 32], 0, bytes(4 * 64))
        b = ("token_embd.weight.lora_b", [2, 16], 0, bytes(4 * 32))
        path = tmp_path / "a.gguf"
        path.write_bytes(packed(ADAPTER, [a, b]))
        taken = take_in(library, path).model
        assert not fits(library, taken, library.get(base))
        free = base_model(tmp_path / "free.gguf", {**BASE, "output.weight": (16, 32)})
        assert fits(library, taken, library.import_file(free).model)

    @pytest.mark.parametrize("scale", [math.nan, math.inf, 2.5, -3])
    def test_a_scale_that_makes_no_sense_is_refused(
        self, library: Library, base: str, tmp_path: Path, scale: float
    ) -> None:
        taken = take_in(library, adapter(tmp_path / "a.gguf", Q)).model
        with pytest.raises(BadRequest, match="can't count"):
            ready(library, taken.id, scale, library.get(base))

    def test_what_is_no_adapter_is_told(self, library: Library, base: str, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="There is no adapter “nobody” here"):
            ready(library, "nobody", 1, library.get(base))
        with pytest.raises(BadRequest, match="tiny is not an adapter"):
            ready(library, base, 1, library.get(base))
        (tmp_path / "empty").mkdir()
        with pytest.raises(BadRequest, match="a folder without an adapter"):
            take_in(library, tmp_path / "empty")

    def test_one_whose_weights_are_no_numbers_is_not_taken_in(self, library: Library, tmp_path: Path) -> None:
        path = tmp_path / "a.gguf"
        path.write_bytes(packed(ADAPTER, [A, (B[0], B[1], 0, struct.pack("<16f", *[math.nan] * 16))]))
        with pytest.raises(ModelFileError, match="no numbers"):
            take_in(library, path)
        assert [model for model in library.models() if not model.starter] == []


class TestPeft:
    """Adapters as PEFT saves them."""

    PREFIX = "base_model.model.model.layers.0."

    def tensors(self) -> dict[str, tuple[tuple[int, int], bytes]]:
        """A change of Q, in which each number of row N of B is N, and one of a matrix whose rows stay."""
        rows = array("f", [row for row in range(8) for _ in range(2)]).tobytes()
        return {
            f"{self.PREFIX}self_attn.q_proj.lora_A.weight": ((2, 16), bytes(4 * 32)),
            f"{self.PREFIX}self_attn.q_proj.lora_B.weight": ((8, 2), rows),
            f"{self.PREFIX}mlp.down_proj.lora_A.weight": ((2, 24), bytes(4 * 48)),
            f"{self.PREFIX}mlp.down_proj.lora_B.weight": ((16, 2), array("f", range(32)).tobytes()),
        }

    @pytest.fixture
    def base(self, library: Library, tmp_path: Path) -> str:
        path = base_model(tmp_path / "tiny.gguf", llama__attention__head_count=2, llama__embedding_length=8)
        return library.import_file(path).model.id

    def test_a_folder_is_converted_with_the_rows_of_q_in_llama_cpp_s_order(
        self, library: Library, base: str, tmp_path: Path
    ) -> None:
        taken = take_in(library, peft(tmp_path / "Cheerful", self.tensors())).model
        assert (taken.id, taken.kind) == ("cheerful", "adapter")
        assert taken.adapter is not None
        assert (taken.adapter.base, taken.adapter.rank, taken.adapter.alpha) == ("Tiny", 2, 4.0)
        assert dict(taken.adapter.weights) == {name: BASE[name] for name in list(BASE)[1:]}
        assert ready(library, taken.id, 1, library.get(base))
        numbers = array("f", taken.path.read_bytes()[-(4 * 32 + 4 * 48 + 4 * 16) :])
        assert list(numbers[0:16:2]) == [0, 2, 1, 3, 4, 6, 5, 7]
        assert list(numbers[-32:]) == list(range(32))

    def test_a_rank_stabilised_one_gets_the_alpha_that_makes_its_factor(
        self, library: Library, base: str, tmp_path: Path
    ) -> None:
        taken = take_in(library, peft(tmp_path / "Cheerful", self.tensors(), use_rslora=True)).model
        assert taken.adapter is not None
        assert taken.adapter.alpha / 2 == pytest.approx(4 / math.sqrt(2))

    @pytest.mark.parametrize(("number_format", "code"), [("F32", "<f"), ("F16", "<e"), ("BF16", "")])
    def test_an_alpha_of_one_part_is_multiplied_into_its_numbers(
        self, library: Library, base: str, tmp_path: Path, number_format: str, code: str
    ) -> None:
        tensors = {
            name: (
                shape,
                b"".join(struct.pack(code, each) if code else struct.pack("<f", each)[2:] for each in numbers),
            )
            for name, (shape, data) in self.tensors().items()
            if (numbers := array("f", data))
        }
        patterns = {"alpha_pattern": {"down_proj": 6}}
        taken = take_in(library, peft(tmp_path / "Cheerful", tensors, number_format, **patterns)).model
        assert taken.adapter is not None
        assert taken.adapter.alpha == 4
        assert list(array("f", taken.path.read_bytes()[-4 * 32 :])) == [each * 1.5 for each in range(32)]

    def test_without_its_base_it_can_not_be_converted(self, library: Library, tmp_path: Path) -> None:
        with pytest.raises(BadRequest, match=r"was made for Tiny, which is not here\. .* Get that model first"):
            take_in(library, peft(tmp_path / "Cheerful", self.tensors()))

    @pytest.mark.parametrize(
        ("config", "reason"),
        [
            ({"peft_type": "IA3"}, "kind this version does not know"),
            ({"use_dora": True}, "use_dora, which can't be converted"),
            ({"bias": "all"}, "bias, which"),
            ({"modules_to_save": ["lm_head"]}, "modules_to_save, which"),
            ({"alpha_pattern": {"(q|k)_proj": 2}}, "alpha_pattern, which"),
            ({"alpha_pattern": {"q_proj": "2"}}, "alpha_pattern, which"),
            ({"lora_alpha": None}, "names no rank and alpha"),
            ({"r": 0}, "names no rank and alpha"),
        ],
    )
    def test_what_gguf_can_not_express_is_told(
        self, library: Library, base: str, tmp_path: Path, config: dict[str, Any], reason: str
    ) -> None:
        with pytest.raises(ModelFileError, match=reason):
            take_in(library, peft(tmp_path / "Cheerful", self.tensors(), **config))

    def test_a_part_that_models_do_not_have_is_told(self, library: Library, base: str, tmp_path: Path) -> None:
        name = f"{self.PREFIX}self_attn.q_proj.lora_magnitude_vector"
        with pytest.raises(ModelFileError, match="lora_magnitude_vector"):
            take_in(library, peft(tmp_path / "Cheerful", {**self.tensors(), name: ((1, 8), bytes(32))}))

    @pytest.mark.parametrize("fault", ["cut", "length", "offsets", "shape", "json", "config", "half", "nothing"])
    def test_a_damaged_folder_is_told_and_nothing_is_taken_in(
        self, library: Library, base: str, tmp_path: Path, fault: str
    ) -> None:
        folder = peft(tmp_path / "Cheerful", self.tensors())
        weights = folder / "adapter_model.safetensors"
        data = weights.read_bytes()
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + size])
        first = next(name for name in header if name != "__metadata__")
        if fault == "cut":
            weights.write_bytes(data[:-1])
        elif fault == "length":
            weights.write_bytes(struct.pack("<Q", 1 << 63) + data[8:])
        elif fault == "json":
            weights.write_bytes(struct.pack("<Q", 20_000) + b"[" * 20_000)
        elif fault == "config":
            (folder / "adapter_config.json").write_text("[]")
        elif fault == "nothing":
            weights.unlink()
        else:
            if fault == "half":
                del header[first]
            else:
                header[first] |= {"data_offsets": [-4, 124]} if fault == "offsets" else {"shape": [[2], 16]}
            text = json.dumps(header).encode()
            weights.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size :])
        with pytest.raises(UserError, match=r"damaged|has no adapter_model"):
            take_in(library, folder)
        assert [model.id for model in library.models() if not model.starter] == [base]

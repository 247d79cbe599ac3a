"""A vision model's projector: found beside it, taken in with it, downloaded with it, and checked like every file."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from desktop_llm.errors import ModelFileError
from desktop_llm.models.gguf import read_header
from desktop_llm.models.library import Library
from desktop_llm.paths import Folders
from tests.faulty_hub import FaultyHub
from tests.models.downloading import REPO, Site, made_model, site
from tests.models.gguf_files import PROJECTOR, Entry, Raw, gguf, model, projector, tensor
from tests.models.shelves import ids, lm_studio

MODEL, OTHER = made_model(Random(5), 20_000), made_model(Random(6), 20_000)
FILE, OTHER_FILE, EYES = "Tiny-VL-Q4_K_M.gguf", "Tiny-VL-Q8_0.gguf", "mmproj-Tiny-VL-F16.gguf"
PROJECTOR_BYTES = gguf(PROJECTOR, [tensor("v.blk.0.attn_q.weight", [16, 16])], data_bytes=1_024)


def eyes_of(library: Library, model_id: str) -> str | None:
    found = library.find(model_id).projector
    return found.name if found else None


@pytest.mark.parametrize(
    ("name", "eyes"),
    [("mmproj-F16.gguf", True), ("mmproj-tiny-BF16.gguf", True), ("other-mmproj-f16.gguf", False)],
)
def test_a_projector_beside_a_model_of_another_app_is_its_eyes_if_it_names_it(
    library: Library, person: Path, name: str, eyes: bool
) -> None:
    projector(lm_studio(person).with_name(name))
    assert ids(library) == ["tiny"]
    assert eyes_of(library, "tiny") == (name if eyes else None)


def test_one_without_a_name_is_nobody_s_among_several_models(library: Library, person: Path) -> None:
    folder = lm_studio(person).parent
    model(folder / "another.gguf")
    projector(folder / "mmproj-F16.gguf")
    assert [eyes_of(library, each) for each in ids(library)] == [None, None]


def test_the_best_of_several_is_taken(library: Library, person: Path) -> None:
    folder = lm_studio(person).parent
    for quantization in ("F32", "Q8_0", "F16"):
        projector(folder / f"mmproj-tiny-{quantization}.gguf")
    assert eyes_of(library, "tiny") == "mmproj-tiny-F16.gguf"


def test_a_damaged_projector_is_neither_eyes_nor_a_model(library: Library, person: Path) -> None:
    (lm_studio(person).parent / "mmproj-tiny.gguf").write_bytes(PROJECTOR_BYTES[:200])
    assert ids(library) == ["tiny"]
    assert eyes_of(library, "tiny") is None


def test_an_import_brings_the_projector_that_lies_beside_the_model(
    library: Library, here: Folders, tmp_path: Path
) -> None:
    source = model(tmp_path / "Tiny-VL-Q4_K_M.gguf")
    projector(tmp_path / EYES)
    taken = library.import_file(source).model
    assert taken.projector == here.models / "mmproj-Tiny-VL-Q4_K_M.gguf"
    library.remove(taken.id)
    assert list(here.models.glob("*.gguf")) == []
    library.restore(taken.id)
    assert library.find(taken.id).projector == taken.projector


def test_a_projector_imported_by_itself_joins_its_model(library: Library, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="lets another model see pictures"):
        library.import_file(projector(tmp_path / EYES))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    library.import_file(model(elsewhere / "Tiny-VL-Q4_K_M.gguf"))
    assert library.import_file(tmp_path / EYES).model.projector is not None


@pytest.fixture
def hub() -> Iterator[FaultyHub]:
    with FaultyHub() as hub:
        hub.add(REPO, {FILE: MODEL, OTHER_FILE: OTHER, EYES: PROJECTOR_BYTES})
        yield hub


@pytest.fixture
def place(home: Path, hub: FaultyHub) -> Iterator[Site]:
    with site(home, hub.url) as place:
        yield place


def test_a_download_brings_the_projector(place: Site) -> None:
    pulled = place.pull(name=FILE)
    assert pulled.bytes_transferred == pulled.size_bytes == len(MODEL) + len(PROJECTOR_BYTES)
    assert pulled.model.projector is not None
    assert pulled.model.projector.read_bytes() == PROJECTOR_BYTES
    assert place.left() == []
    assert place.pull(name=FILE).bytes_transferred == 0


def test_a_model_that_came_without_its_projector_gets_it_alone(place: Site) -> None:
    first = place.pull(name=FILE).model
    assert first.projector is not None
    first.projector.unlink()
    again = place.pull(name=FILE)
    assert again.bytes_transferred == len(PROJECTOR_BYTES)
    assert again.model.projector == first.projector
    assert again.sha256 == first.sha256


def test_a_projector_that_can_t_be_used_does_not_cost_the_model(place: Site, hub: FaultyHub) -> None:
    broken = gguf({**PROJECTOR, "clip.vision.patch_size": 0}, [tensor("w", [256])], data_bytes=1_024)
    hub.add(REPO, {FILE: MODEL, EYES: broken})
    pulled = place.pull(name=FILE)
    assert (pulled.model.state, pulled.model.projector) == ("ok", None)


HOSTILE: dict[str, tuple[dict[str, Entry], str]] = {
    "patches of nothing": ({"clip.vision.patch_size": 0}, "absurd size"),
    "patches beyond number": ({"clip.vision.image_size": 8_192, "clip.vision.patch_size": 1}, "absurd size"),
    "a picture beyond all size": ({"clip.vision.image_size": 1 << 31}, "absurd size"),
    "no heads": ({"clip.vision.attention.head_count": 0}, "attention heads"),
    "heads that do not divide": ({"clip.vision.attention.head_count": 3}, "attention heads"),
    "a merge of nothing": ({"clip.vision.spatial_merge_size": 0}, "absurd size"),
    "a number as a text": ({"clip.vision.image_size": "28"}, "wrong type"),
    "a flag as a number": ({"clip.has_vision_encoder": 1, "clip.has_audio_encoder": True}, "wrong type"),
    "an epsilon that is none": ({"clip.vision.attention.layer_norm_epsilon": float("nan")}, "can't be"),
    "a size in 64 bits": ({"clip.vision.embedding_length": Raw(10, struct.pack("<Q", 16))}, "wrong type"),
    "more at least than at most": (
        {"clip.vision.image_min_pixels": 9_000, "clip.vision.image_max_pixels": 10},
        "absurd size",
    ),
}


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_projector_that_would_end_the_engine_is_refused(tmp_path: Path, attack: str) -> None:
    changed, reason = HOSTILE[attack]
    with pytest.raises(ModelFileError, match=reason):
        read_header(projector(tmp_path / "mmproj.gguf", {**PROJECTOR, **changed}))


@pytest.mark.parametrize(
    ("name", "shape", "kind", "reason"),
    [
        ("v.blk.0.attn_q.weight", [8, 32], 0, "wrong size"),
        ("v.blk.0.ln1.weight", [16], 1, "number format"),
        ("mm.0.bias", [16], 1, "number format"),
    ],
)
def test_weights_that_can_t_be_computed_with_are_refused(
    tmp_path: Path, name: str, shape: list[int], kind: int, reason: str
) -> None:
    path = tmp_path / "mmproj.gguf"
    path.write_bytes(gguf(PROJECTOR, [tensor(name, shape, kind)], data_bytes=1_024))
    with pytest.raises(ModelFileError, match=reason):
        read_header(path)

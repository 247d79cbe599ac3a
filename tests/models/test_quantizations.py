"""Files are sorted by their names: quantization, plain word, shards, projectors, and names no honest repository has."""

from __future__ import annotations

import pytest

from desktop_llm.models.hub.files import HubPart, checked_sha256, group, is_plain
from desktop_llm.models.names import plain_word, quantization_of

HOSTILE = [
    *(
        "../evil.gguf",
        "a/../../evil.gguf",
        "..\\evil.gguf",
        "a\\b.gguf",
        "C:\\evil.gguf",
        "C:evil.gguf",
        "c:/evil.gguf",
    ),
    *(
        "\\\\host\\share\\evil.gguf",
        "//host/share/evil.gguf",
        "/etc/evil.gguf",
        "a//b.gguf",
        "./evil.gguf",
        "a/./b.gguf",
    ),
    *("a/..../b.gguf", " /b.gguf", "a/ /b.gguf", "evil\x00.gguf", "evil\n.gguf", "evil\r.gguf", "evil\x1b[2J.gguf"),
    *("evil\u202efugg.gguf", "\u2066evil.gguf", "evil\u200b.gguf", "evil\x7f.gguf", "evil\x85.gguf", "evil\u2028.gguf"),
    *("file:///evil.gguf", "https://x/evil.gguf", "~\\evil.gguf", "…/" + "x" * 260 + ".gguf", "a/" * 600 + "b.gguf"),
    *("", ".", "..", "/", ".gguf/..", "a/", "\ud800.gguf"),
]
# Odd, but a label like any other: no file is named after it.
ODD = [
    "CON.gguf",
    "nul.gguf",
    "aux .gguf",
    "模型-Q4_K_M.gguf",
    "a b.gguf",
    "$(rm -rf).gguf",
    "-rf.gguf",
    "a'b\".gguf",
    "%2e%2e.gguf",
]


def part(path: str, size_bytes: int = 1) -> HubPart:
    return HubPart(path, size_bytes, "a" * 64)


@pytest.mark.parametrize(
    ("name", "quantization"),
    [
        ("Qwen3-8B-Q4_K_M.gguf", "Q4_K_M"),
        ("qwen2.5-7b-instruct-q5_0.gguf", "Q5_0"),
        ("model.Q8_0.gguf", "Q8_0"),
        ("model.i1-IQ3_XXS.gguf", "IQ3_XXS"),
        ("gemma-3-4b-it-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("Llama-3.2-1B-Instruct-Q4_0_4_4.gguf", "Q4_0_4_4"),
        ("ggml-model-f16.gguf", "F16"),
        ("model-fp16.gguf", "F16"),
        ("Model-BF16-Q4_K_M.gguf", "Q4_K_M"),
        ("BF16/Model-BF16-00001-of-00002.gguf", "BF16"),
        ("Q4_K_M/model-00001-of-00003.gguf", "Q4_K_M"),
        ("gpt-oss-20b-mxfp4.gguf", "MXFP4"),
        ("bitnet-TQ2_0.gguf", "TQ2_0"),
        ("Qwen3-8B.gguf", ""),
        ("acq4_k.gguf", ""),
        ("IQ.gguf", ""),
    ],
)
def test_a_quantization_is_read_from_the_name(name: str, quantization: str) -> None:
    assert quantization_of(name) == quantization


@pytest.mark.parametrize(
    ("word", "quantizations"),
    [
        ("Small", ("IQ1_S", "Q2_K", "IQ3_XXS", "Q3_K_L", "TQ1_0", "UD-Q2_K_XL")),
        ("Balanced", ("Q4_0", "Q4_K_M", "IQ4_XS", "UD-Q4_K_XL", "MXFP4")),
        ("Large", ("Q5_K_M", "Q6_K")),
        ("Largest", ("Q8_0",)),
        ("Full", ("F16", "BF16", "F32")),
        ("", ("", "something")),
    ],
)
def test_each_quantization_has_a_plain_word(word: str, quantizations: tuple[str, ...]) -> None:
    assert {plain_word(quantization) for quantization in quantizations} == {word}


class TestGrouping:
    def test_models_stand_by_size_and_projectors_apart(self) -> None:
        models, projectors = group([part("b-Q8_0.gguf", 8), part("mmproj-b-f16.gguf", 3), part("b-Q4_K_M.gguf", 4)])

        assert [file.quantization for file in models] == ["Q4_K_M", "Q8_0"]
        assert [file.name for file in projectors] == ["mmproj-b-f16.gguf"]

    def test_shards_are_one_entry_with_the_size_of_all(self) -> None:
        names = [f"Q8_0/b-Q8_0-{number:05}-of-00012.gguf" for number in range(1, 13)]
        (file,), _ = group(part(name, 10) for name in reversed(names))

        assert file.name == names[0]
        assert file.size_bytes == 120
        assert [shard.path for shard in file.parts] == names

    def test_a_set_with_a_missing_shard_is_left_out(self) -> None:
        assert group([part("b-00001-of-00003.gguf"), part("b-00003-of-00003.gguf")]) == ((), ())

    def test_two_sets_of_one_name_but_another_count_do_not_mix(self) -> None:
        models, _ = group([part("b-00001-of-00001.gguf"), part("b-00001-of-00002.gguf"), part("b-00002-of-00002.gguf")])

        assert [len(file.parts) for file in models] == [1, 2]

    def test_what_is_no_model_is_left_out(self) -> None:
        others = [
            "README.md",
            "config.json",
            "b.imatrix.gguf",
            "imatrix.gguf",
            "ggml-vocab-b.gguf",
            "mtp-Q4_0.gguf",
            "b.safetensors",
            "b.gguf.part1of2",
        ]

        assert group(map(part, others)) == ((), ())


class TestHostileNames:
    @pytest.mark.parametrize("name", HOSTILE, ids=ascii)
    def test_a_name_that_no_honest_repository_has_is_left_out(self, name: str) -> None:
        assert not is_plain(name)
        assert group([part(name)]) == ((), ())

    @pytest.mark.parametrize("name", ODD, ids=ascii)
    def test_an_odd_name_is_a_label_like_any_other(self, name: str) -> None:
        assert [file.name for file in group([part(name)])[0]] == [name]

    def test_a_set_of_shards_with_a_hostile_one_is_left_out_whole(self) -> None:
        assert group([part("b-00001-of-00002.gguf"), part("../b-00002-of-00002.gguf")]) == ((), ())


@pytest.mark.parametrize("value", ["", "a" * 63, "A" * 64, "g" * 64, "a" * 64 + "\n", "../" + "a" * 61, None, 7])
def test_what_is_no_checksum_does_not_pass_for_one(value: object) -> None:
    assert checked_sha256(value) is None

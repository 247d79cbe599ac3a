"""A person pastes ids, ids with a quantization, and addresses; other text is a search."""

from __future__ import annotations

import pytest

from desktop_llm.models.hub.references import Reference, parse_reference

QWEN = "Qwen/Qwen3-8B-GGUF"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        (QWEN, Reference(QWEN)),
        (f"  {QWEN}\n", Reference(QWEN)),
        (f"{QWEN}:Q4_K_M", Reference(QWEN, "Q4_K_M")),
        (f"{QWEN}:BF16/a-00001-of-00002.gguf", Reference(QWEN, "BF16/a-00001-of-00002.gguf")),
        (f"https://huggingface.co/{QWEN}", Reference(QWEN)),
        (f"<https://huggingface.co/{QWEN}/>", Reference(QWEN)),
        (f"https://www.huggingface.co/{QWEN}?show=files#x", Reference(QWEN)),
        (f"https://hf.co/{QWEN}:Q8_0", Reference(QWEN, "Q8_0")),
        (f"hf.co/{QWEN}:Q8_0", Reference(QWEN, "Q8_0")),
        (f"huggingface.co/{QWEN}/tree/main", Reference(QWEN)),
        (f"https://huggingface.co/{QWEN}/tree/v2/BF16", Reference(QWEN, None, "v2")),
        (f"https://huggingface.co/{QWEN}/blob/main/a%20b.gguf", Reference(QWEN, "a b.gguf")),
        (f"https://huggingface.co/{QWEN}/resolve/abc/x/a.gguf?download=true", Reference(QWEN, "x/a.gguf", "abc")),
        (f"https://huggingface.co/{QWEN}/blob/main/README.md", Reference(QWEN)),
        (f"https://huggingface.co/{QWEN}/discussions/3", Reference(QWEN)),
        (f"https://huggingface.co/{QWEN}.git", Reference(QWEN)),
        (f"https://huggingface.co/{QWEN}?show_file_info=a-Q4_K_M.gguf", Reference(QWEN, "a-Q4_K_M.gguf")),
        (f"{QWEN}/BF16/a-BF16.gguf", Reference(QWEN, "BF16/a-BF16.gguf")),
        (f"https://hub.example/{QWEN}", Reference(QWEN)),
    ],
)
def test_a_pasted_reference_is_understood(text: str, reference: Reference) -> None:
    assert parse_reference(text, "https://hub.example") == reference


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:8080/hf", "http://127.0.0.1:8080/hf/"])
def test_an_address_of_a_mirror_below_a_path_is_understood(endpoint: str) -> None:
    address = f"http://127.0.0.1:8080/hf/{QWEN}/blob/main/a.gguf"

    assert parse_reference(address, endpoint) == Reference(QWEN, "a.gguf")
    assert parse_reference(f"http://127.0.0.1:8080/{QWEN}", endpoint) is None


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "qwen",
            "qwen 3",
            "qwen/",
            "/qwen",
            "a/b/c",
            "a/b/../c.gguf",
            f"{QWEN}:",
            "qwen 3/8b",
            "../..",
            "a/..",
            f"{QWEN}:../x.gguf",
        ),
        *("https://other.example/Qwen/Qwen3", "https://huggingface.co", "https://huggingface.co/Qwen"),
        *("https://huggingface.co/datasets/a/b", "datasets/squad", "https://huggingface.co/spaces/a/b", "docs/hub"),
        *("https://huggingface.co.evil.example/a/b", "https://[", "Qwen/Qwen3\u202e", "a" * 97 + "/b"),
        *("a/b--c", "a/b..c", "a/b.git", "a-/b", "a/b-"),  # the hub's own rules
    ],
)
def test_everything_else_is_a_search(text: str) -> None:
    assert parse_reference(text, "https://hub.example") is None

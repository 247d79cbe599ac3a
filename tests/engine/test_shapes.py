"""What goes in and out of the engine, as plain data."""

from __future__ import annotations

import json
from dataclasses import replace

from desktop_llm.engine.client import ChatMessage, LoadSettings, Sampling
from desktop_llm.message import File, Image, Text, Thinking, ToolCall, ToolResult


def test_stored_sampling_of_another_version_is_taken_as_far_as_it_is_known() -> None:
    stored = {
        "temperature": 1,
        "magic": 2,
        "mirostat": 3,
        "top_k": 3.5,
        "seed": None,
        "max_tokens": True,
        "top_p": "much",
    }
    assert Sampling.known(stored) == Sampling(temperature=1)


def test_a_message_crosses_the_wire_with_all_its_parts_but_files() -> None:
    parts = (Text("a"), Thinking("b"), Image("/c.png"), ToolCall("1", "weather", "{}"), ToolResult("1", "31"))
    sent = ChatMessage("tool", (*parts, File("/d.pdf"))).to_json()
    assert ChatMessage.from_json(json.loads(json.dumps(sent))) == ChatMessage("tool", parts)
    assert ChatMessage.from_json(ChatMessage.of("user", "Hi").to_json()).text == "Hi"


def test_load_settings_of_an_earlier_version_with_one_type_for_the_kv_cache_still_count() -> None:
    assert LoadSettings.known({"kv_type": "q8_0"}).kv_types == ("q8_0", "q8_0")
    assert LoadSettings.known({"kv_type": "q8_0", "kv_type_v": "q4_0"}).kv_types == ("q8_0", "q4_0")
    assert LoadSettings.known({"rope_factor": 2, "kv_type": 8}) == LoadSettings(rope_factor=2)


def test_a_context_is_longer_than_the_model_was_made_for_only_if_it_is_extended() -> None:
    wanted = LoadSettings(context_length=100_000)
    assert wanted.context_for(8_192) == 8_192
    assert replace(wanted, rope_scaling="yarn").context_for(8_192) == 4 * 8_192
    assert replace(wanted, rope_scaling="linear", rope_factor=1.5).context_for(8_192) == 12_288
    assert replace(wanted, rope_scaling="none").context_for(8_192) == 8_192

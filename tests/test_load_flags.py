"""The options that say how a model is loaded."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import pytest

from desktop_llm.commands.load_flags import add_load_flags, load_settings
from desktop_llm.models.templates import FORMATS


def template_of(text: str) -> str | None:
    parser = ArgumentParser()
    add_load_flags(parser)
    return load_settings(parser.parse_args(["--chat-template", text]), threads=None, kv_types=None).template


def test_a_chat_template_is_named_or_read_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.jinja"
    file.write_text("{{ messages[-1].content }}", encoding="utf-8-sig")
    assert template_of("chatml") == FORMATS["ChatML"]
    assert template_of(str(file)) == "{{ messages[-1].content }}"
    with pytest.raises(SystemExit):
        template_of("Chat")
    assert "Chat is neither a file nor one of ChatML, Llama 3" in capsys.readouterr().err

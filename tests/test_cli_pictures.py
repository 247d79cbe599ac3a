"""`chat` with pictures: from a file, from messages, and never from the network."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.engine.seeing_models import seeing_model
from tests.pictures.samples import encoded, scene
from tests.test_cli import answer, run

pytestmark = pytest.mark.usefixtures("known_machine")


def test_a_picture_is_shown_to_a_model_that_sees(tmp_path: Path) -> None:
    model, _ = seeing_model(tmp_path)
    assert answer("import", str(model))["id"] == "seeing-f32"
    picture = tmp_path / "wall.png"
    picture.write_bytes(encoded(scene(640, 480)))
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_base64(picture)}"}}
    messages = tmp_path / "messages.json"
    asked = {"role": "user", "content": [part, {"type": "text", "text": "What is this?"}]}
    messages.write_text(json.dumps([asked, {"role": "assistant", "content": "A wall."}]))
    options = ("-m", "seeing-f32", "--max-tokens", "4", "--messages", str(messages), "--image", str(picture))
    used = answer("chat", "And this?", *options)["usage"]["prompt_tokens"]
    words = len("What is this?A wall.And this?") - 2  # a token for each character, and one for " t"
    assert used == words + 7 + 2 * 16  # the marks of the template, and the places of two pictures


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://example.org/a.png", "is not on this computer"),
        ("data:image/png,abc", "is not in base64"),
    ],
)
def test_a_picture_that_is_not_here_is_refused_and_not_fetched(tmp_path: Path, url: str, reason: str) -> None:
    messages = tmp_path / "messages.json"
    part = {"type": "image_url", "image_url": {"url": url}}
    messages.write_text(json.dumps([{"role": "user", "content": [part]}]))
    done = run("chat", "--messages", str(messages))
    assert done.returncode == 1
    assert reason in done.stderr


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")

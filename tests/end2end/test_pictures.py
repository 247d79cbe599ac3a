"""A person drops a picture into a chat, asks about it, and finds it there again; all with the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop_llm.gui.chat.transcript.picture_strip import PictureButton
from desktop_llm.message import Image
from tests.end2end.person import Person, until
from tests.engine.seeing_models import seeing_model
from tests.pictures.samples import encoded, scene


@pytest.mark.timeout(120)
def test_a_dropped_picture_is_seen_kept_and_there_after_a_restart(person: Person, tmp_path: Path) -> None:
    wiring = person.wiring
    model, _ = seeing_model(tmp_path)
    wiring.pages.models_room.local.import_files([str(model)])
    until(lambda: wiring.models.find("seeing-f32"))
    wiring.models.use("seeing-f32")
    until(lambda: wiring.models.in_memory is not None)
    picture = tmp_path / "Kitchen.png"
    picture.write_bytes(encoded(scene(640, 480)))
    chat = person.new_chat()
    person.drop([picture], "chat")
    until(lambda: any(shown.state == "ready" for shown in wiring.chats.composer._pictures))
    assert person.ask("What is this?").status == "complete"
    picture.unlink()
    question = person.stored(chat)[0]
    kept = [Path(part.path) for part in question.parts if isinstance(part, Image)]
    assert [path.name for path in kept] == ["Kitchen.png"]
    assert kept[0].is_file()
    person.reopen()
    person.wiring.conversations.open(chat)
    until(lambda: person.window.findChildren(PictureButton))
    (shown,) = person.window.findChildren(PictureButton)
    until(lambda: not shown._image.isNull())

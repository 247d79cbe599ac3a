"""Why a document could not be read stays translatable in the database and on the wire."""

from __future__ import annotations

import json

import pytest

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.shapes import FailedDocument, pack, unpack
from desktop_llm.knowledge.sources import Reason
from desktop_llm.words import Sentence, tr

TOO_LARGE = tr("Too large: {reason}", reason=tr("more than {limit} million characters of text", limit=20))


def test_a_stored_reason_comes_back_with_its_template_and_its_cause() -> None:
    back = Reason.read(Reason.of(DocumentError(TOO_LARGE, cause="too_large")).stored())
    assert back == Reason("Too large: more than 20 million characters of text", "too_large")
    assert isinstance(back.text, Sentence)
    assert isinstance(back.text.values["reason"], Sentence)


@pytest.mark.parametrize("stored", ["", "Protected by a password", "[1, 2]", "12", '{"cause": "x"}', '{"text": 1'])
def test_a_row_of_an_older_version_is_the_text_itself(stored: str) -> None:
    assert Reason.read(stored) == Reason(stored)


def test_a_failed_document_crosses_the_wire_with_its_sentence() -> None:
    sent = json.loads(json.dumps(pack(FailedDocument("/a.pdf", TOO_LARGE, "too_large"))))
    back = unpack(FailedDocument, sent)
    assert back == FailedDocument("/a.pdf", TOO_LARGE, "too_large")
    assert isinstance(back.reason, Sentence)

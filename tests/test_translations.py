"""Translators get every sentence of the app, and the window shows their translations."""

from __future__ import annotations

import runpy
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import PySide6
import pytest
from PySide6.QtCore import QCoreApplication, QTranslator
from PySide6.QtWidgets import QApplication

from desktop_llm import words
from desktop_llm.gui.app import translated
from desktop_llm.words import plural, tr
from tests.pseudo_language import PseudoLanguage, pseudo

SCRIPT = Path(__file__).parents[1] / "packaging" / "translations.py"
LRELEASE = Path(PySide6.__file__).parent / "lrelease"


@pytest.fixture
def translators(qapp: QApplication) -> Iterator[None]:
    """Translate as the window does; afterwards the sentences are English again."""
    words.use_translator(translated)
    yield
    words.use_translator(lambda template, number: template)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """The file for translators."""
    file = tmp_path / "desktop_llm.ts"
    script = runpy.run_path(str(SCRIPT))
    file.write_bytes(script["template"]([*script["sentences"](), *script["catalogue_texts"]()]))
    return file


def test_the_template_holds_each_sentence_once(template: Path) -> None:
    sources = [element.text for element in ElementTree.parse(template).iter("source")]
    assert len(sources) > 900
    assert {"This model's chat template can't be used: {reason}.", "No model is loaded."} <= set(sources)
    assert len(sources) == len(set(sources))
    assert any("in many languages" in str(source) for source in sources)


def test_a_sentence_that_is_no_literal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "page.py").write_text("def title(name):\n    return tr(name)\n")
    with pytest.raises(ValueError, match=r"page.py:2: the sentence must be a literal"):
        list(runpy.run_path(str(SCRIPT))["sentences"](tmp_path / "app"))


@pytest.mark.usefixtures("translators")
def test_the_window_says_what_the_translators_wrote(template: Path, tmp_path: Path) -> None:
    text = template.read_text(encoding="utf-8").replace("<TS ", '<TS language="de_DE" ')
    tree = ElementTree.ElementTree(ElementTree.fromstring(text))
    for message in tree.iter("message"):
        translation = message.find("translation")
        assert translation is not None
        del translation.attrib["type"]
        if message.get("numerus"):
            ElementTree.SubElement(translation, "numerusform")
            for form, words_ in zip(translation.iter("numerusform"), ("eins", "%n Stück"), strict=True):
                form.text = words_
        else:
            translation.text = f"de: {message.findtext('source')}"
    tree.write(template, encoding="utf-8")
    compiled = tmp_path / "de.qm"
    subprocess.run([LRELEASE, "-silent", template, "-qm", compiled], check=True)
    german = QTranslator()
    assert german.load(str(compiled))
    QCoreApplication.installTranslator(german)
    try:
        assert tr("No model is loaded.") == "de: No model is loaded."
        forms = [plural("%n quote found word for word", "%n quotes found word for word", count) for count in (1, 3)]
    finally:
        QCoreApplication.removeTranslator(german)
    assert forms == ["eins", "3 Stück"]


@pytest.mark.usefixtures("translators")
def test_in_the_pseudo_language_values_are_filled_in() -> None:
    language = PseudoLanguage()
    QCoreApplication.installTranslator(language)
    try:
        said = [tr("{name} is damaged.", name="a.gguf"), plural("%n document", "%n documents", 2)]
    finally:
        QCoreApplication.removeTranslator(language)
    assert said == [pseudo("{name} is damaged.").format(name="a.gguf"), pseudo("%n documents").replace("%n", "2")]

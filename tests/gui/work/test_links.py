"""Links and files that are opened in other programs: what the person is told, and what is never opened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.errors import UserError
from desktop_llm.gui.look.small_dialog import SmallDialog
from desktop_llm.gui.look.widgets import Label
from desktop_llm.gui.work import links
from desktop_llm.gui.work.addresses import read_address, shown_address
from tests.gui.hostile_screens import Desktop

RUNS = (
    *("bat", "cmd", "js", "py", "ps1", "desktop", "sh", "lnk", "url", "scr", "hta", "vbs", "jar", "app", "command"),
    *(
        "exe",
        "msi",
        "com",
        "pif",
        "html",
        "svg",
        "docm",
        "webloc",
        "appimage",
        "reg",
        "terminal",
        "BAT",
        "Py",
        "",
        "xyz",
    ),
)


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    with Desktop() as heard:
        yield heard


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.resize(900, 600)
    widget.show()
    return widget


def asked(window: QWidget) -> SmallDialog | None:
    return next((each for each in window.findChildren(SmallDialog) if each.isVisible()), None)


def words(dialog: SmallDialog) -> str:
    return "\n".join(label.text() for label in dialog.findChildren(Label))


@pytest.mark.parametrize("suffix", RUNS)
def test_a_cited_file_that_may_be_run_is_shown_in_its_folder(
    window: QWidget, desktop: Desktop, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"notes.{suffix}"
    path.write_text("echo hello")
    links.open_file(window, str(path))
    assert desktop.opened == [f"file://{tmp_path}/"]
    assert not links.is_document(str(path))


@pytest.mark.parametrize("name", ["a.pdf", "b.PDF", "c.txt", "d.md", "e.docx", "f.csv"])
def test_a_document_opens_in_its_usual_program(window: QWidget, desktop: Desktop, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("words")
    links.open_file(window, str(tmp_path / name))
    assert desktop.opened == [f"file://{tmp_path / name}"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no executable bit")
def test_a_program_under_the_name_of_a_document_is_not_opened_and_that_is_said(
    window: QWidget, desktop: Desktop, tmp_path: Path
) -> None:
    script, program = tmp_path / "run.sh", tmp_path / "lease.pdf"
    for path in (script, program):
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    (tmp_path / "link.pdf").symlink_to(script)
    (tmp_path / "folder.pdf").mkdir()
    for name in ("lease.pdf", "link.pdf"):
        desktop.opened.clear()
        links.open_file(window, str(tmp_path / name))
        assert desktop.opened == [f"file://{tmp_path}/"]
        dialog = asked(window)
        assert dialog is not None
        assert f"{name} was not opened." in words(dialog)
        dialog.accept()


def test_a_bundle_of_macos_is_never_opened_as_a_folder(desktop: Desktop, tmp_path: Path) -> None:
    inside = tmp_path / "Notes.app" / "Contents" / "readme.txt"
    inside.parent.mkdir(parents=True)
    inside.write_text("x")
    for path in (inside, inside.parent, tmp_path / "Notes.app"):
        desktop.opened.clear()
        assert links.show_folder(str(path))
        assert desktop.opened == [f"file://{tmp_path}/"]


def test_a_file_that_is_gone_with_its_folder_is_said_to_be_gone(
    window: QWidget, desktop: Desktop, tmp_path: Path
) -> None:
    links.open_file(window, str(tmp_path / "gone" / "lease.pdf"))
    dialog = asked(window)
    assert dialog is not None
    assert "lease.pdf is no longer there." in words(dialog)
    assert desktop.opened == []


@pytest.mark.parametrize(
    ("link", "host", "told"),
    [
        ("https://huggingface.co/a", "huggingface.co", ""),
        ("https://huggingface.co@evil.example/a", "evil.example", "@, huggingface.co, are only a user name"),
        ("https://huggingface.co:443@evil.example", "evil.example", "only a user name"),
        ("https://user%40huggingface.co@evil.example", "evil.example", "only a user name"),
        ("https://evil.example\\@huggingface.co", "evil.example", "backslash"),
        ("https:\\\\evil.example\\a", "evil.example", "backslash"),
        ("https://аpple.com/", "xn--pple-43d.com", "other alphabets"),
        ("https://%65vil.example", "evil.example", ""),
        ("http://2130706433/", "127.0.0.1", ""),
        ("HTTPS://EVIL。example", "evil.example", ""),
        ("https://huggingface.co\u2044x.evil.example", "huggingface.xn--cox-pt0a.evil.example", "other alphabets"),
    ],
)
def test_the_box_says_where_a_link_really_leads(
    window: QWidget, desktop: Desktop, link: str, host: str, told: str
) -> None:
    links.open_link(window, link)
    dialog = asked(window)
    assert dialog is not None
    assert words(dialog).startswith(f"Open {host} in your browser?")
    assert told in words(dialog)
    assert desktop.opened == []
    dialog.confirm.click()
    assert len(desktop.opened) == 1
    assert QUrl(desktop.opened[0]).host(QUrl.ComponentFormattingOption.FullyEncoded) == host


def test_enter_in_the_box_cancels(qtbot: QtBot, window: QWidget, desktop: Desktop) -> None:
    links.open_link(window, "https://example.org")
    dialog = asked(window)
    assert dialog is not None
    assert dialog.cancel.isDefault()
    assert not dialog.confirm.isDefault()


def test_a_long_address_is_cut_in_its_middle_and_never_in_its_host() -> None:
    host = f"{'huggingface.co.' * 8}evil.example"
    for link in (f"https://{host}/{'a' * 900}/end", f"https://{'user' * 99}@{host}/{'a' * 900}end"):
        shown = read_address(link).shown
        assert host in shown
        assert shown.endswith("end")
        assert len(shown) < 520


def test_the_box_has_room_for_all_of_a_long_address(window: QWidget) -> None:
    links.open_link(window, f"https://{'huggingface.co.' * 8}evil.example/{'a' * 900}/end")
    dialog = asked(window)
    assert dialog is not None
    for label in dialog.findChildren(Label):
        assert label.height() >= label.heightForWidth(label.width())


@pytest.mark.parametrize(
    "link",
    [
        *(
            "file:///etc/passwd",
            "smb://host/share",
            "ms-msdt:/id",
            "javascript:alert(1)",
            "data:text/html,x",
            "//host/x",
        ),
        *(
            "https:evil.example",
            "https:///evil.example",
            "https://",
            "https://a@b@evil.example",
            "https://e\tvil.example",
        ),
        *("https://evil.example%2f.huggingface.co", "https://\u202eevil.example", "vscode://x", "tel:+1", "x"),
        *("mailto:a@b.example?attach=/etc/passwd", "mailto:a@b.example?subject=x&Attachment=file:///etc/passwd"),
        *("mailto:?%61ttach=/etc/passwd", "mailto:?%2561ttach=/etc/passwd", "MAILTO:?ATTACH=/x", "mailto:?x-mailer=y"),
        *("mailto:a@b.example?subject=x&amp;attach=/etc/passwd", "mailto:a@b?subject=a?attach=/x"),
        *("mailto:a@b.example?subject=x%0D%0AAttach:%20/etc/passwd", "mailto:a%0D%0Abcc:c@d.example"),
        *("mailto:a@b.example?cc=c@d.example%0D%0Aattach:x", "mailto:?to=a@b.example&to=c@d.example"),
        *("mailto://evil.example/x", "mailto:?subject=a%00b"),
        *("mailto:?body=x',attachment='file:///etc/passwd'", "mailto:a@b.example;attach=/etc/passwd"),
    ],
)
def test_every_other_link_is_refused_and_that_is_said(window: QWidget, desktop: Desktop, link: str) -> None:
    with pytest.raises(UserError):
        read_address(link)
    links.open_link(window, link)
    dialog = asked(window)
    assert dialog is not None
    assert "is not opened" in words(dialog)
    dialog.confirm.click()
    assert desktop.opened == []


def test_an_e_mail_link_names_its_recipients(window: QWidget, desktop: Desktop) -> None:
    link = "mailto:ann@bücher.example,bob@b.example?subject=Hi%20there&body=Dear%20Ann,%0A%0Ayours"
    links.open_link(window, link)
    dialog = asked(window)
    assert dialog is not None
    assert "Write an e-mail to ann@xn--bcher-kva.example, bob@b.example?" in words(dialog)
    dialog.confirm.click()
    assert len(desktop.opened) == 1


def test_recipients_in_the_fields_of_an_e_mail_link_are_named_too(window: QWidget, desktop: Desktop) -> None:
    links.open_link(window, "mailto:ann@b.example?bcc=eve@evil.example&subject=Hi")
    dialog = asked(window)
    assert dialog is not None
    assert "Write an e-mail to ann@b.example, eve@evil.example?" in words(dialog)
    dialog.reject()
    assert read_address("mailto:?subject=Hi").place == ""


def test_a_tooltip_says_the_address_that_would_be_opened() -> None:
    assert shown_address("https://аpple.com/") == "https://xn--pple-43d.com/"
    assert shown_address("nonsense") == "nonsense"

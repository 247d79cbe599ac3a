"""Reads the address of a link that a model, a document or a model's page wrote, and says where it really leads.

An address may be made to look like another one: a name before an @, a backslash, letters of another alphabet. What the
person is shown is made from the very address that is opened, in ASCII, so that both lead to the same place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from PySide6.QtCore import QUrl

from desktop_llm.errors import BadRequest, UserError
from desktop_llm.words import tr

_LONGEST_SHOWN, _LONGEST_USER = 300, 40
# What a link may fill in for an e-mail. Some mail programs also know headers that attach files of this computer.
_MAIL_FIELDS = frozenset({"to", "cc", "bcc", "subject", "body"})
_ATTACHING = re.compile(r"attach(?:ment)?s?\s*[=:]", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ENCODED = QUrl.ComponentFormattingOption.FullyEncoded


@dataclass(frozen=True, slots=True)
class Address:
    """An address that may be opened: `place` is the host, or the recipients of an e-mail.

    `shown` is the address for the screen, cut in its middle if it is long, but never inside the host. `warnings` are
    sentences about what makes it look like another one.
    """

    url: QUrl
    place: str
    shown: str
    warnings: tuple[str, ...] = ()

    @property
    def is_mail(self) -> bool:
        """Whether it opens a mail program instead of a browser."""
        return self.url.scheme() == "mailto"


def read_address(link: str) -> Address:
    """The address of a link. Raises BadRequest if it is not opened: another scheme than http, https and mailto, an
    e-mail with attachments, or one that programs could read differently.
    """
    text = link.strip("".join(map(chr, range(33))))
    scheme = text.partition(":")[0].lower()
    if scheme not in ("http", "https", "mailto"):
        raise BadRequest(tr("This link is not opened."), tr("Only web addresses and e-mail addresses are opened."))
    if _CONTROL.search(text):
        raise _unclear()
    return _mail(text) if scheme == "mailto" else _web(text)


def shown_address(link: str) -> str:
    """The address of a link for a tooltip; of one that is not opened, its own text."""
    try:
        return read_address(link).shown
    except UserError:
        return link


def _web(text: str) -> Address:
    # Browsers read a backslash before the query as a slash, Qt does not.
    path, mark, rest = re.fullmatch(r"([^?#]*)([?#]?)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    url = QUrl(path.replace("\\", "/") + mark + rest)
    host = url.host(_ENCODED)
    if not url.isValid() or not host or urlsplit(_encoded(url)).hostname != host.strip("[]"):
        raise _unclear()
    user = url.userInfo(_ENCODED)
    warnings = []
    if user:
        warnings.append(
            tr(
                "It leads to {host}. The words before the @, {user}, are only a user name.",
                host=host,
                user=_cut(user, _LONGEST_USER),
            )
        )
    if "\\" in path:
        warnings.append(tr("It has a backslash, which can hide where it leads."))
    if "xn--" in host:
        warnings.append(tr("Its name has letters of other alphabets, which can look like those of another name."))
    return Address(url, host, _shown(url, user), tuple(warnings))


def _shown(url: QUrl, user: str) -> str:
    """The whole address; of a long one, the host and both ends of what follows it."""
    whole = _encoded(url)
    if len(whole) <= _LONGEST_SHOWN:
        return whole
    start = whole.index("//") + 2
    after_user = start + (len(user) + 1 if user else 0)
    end = next((at for at in range(after_user, len(whole)) if whole[at] in "/?#"), len(whole))
    name = f"{_cut(user, _LONGEST_USER)}@" if user else ""
    return whole[:start] + name + whole[after_user:end] + _cut(whole[end:], _LONGEST_SHOWN)


def _mail(text: str) -> Address:
    url = QUrl(text)
    recipients, _, query = _encoded(url).partition(":")[2].partition("?")
    # Programs differ in what separates the fields, so every mark that may do so counts.
    fields = [part.partition("=") for part in re.split(r"[&;?#]", query)]
    lines = {_decoded(name).strip().lower(): _decoded(value) for name, equals, value in fields if equals}
    hidden = [lines.get(name, "") for name in ("to", "cc", "bcc")]
    one_liners = "".join([_decoded(recipients), *hidden, lines.get("subject", "")])
    if lines.keys() - _MAIL_FIELDS or _ATTACHING.search(_decoded(text)):
        raise BadRequest(
            tr("This e-mail link is not opened."),
            tr("It would fill in more than recipients, subject and text, such as files of this computer to attach."),
        )
    if not url.isValid() or url.host() or len(lines) < sum(bool(each[1]) for each in fields):
        raise _unclear()  # a field that is there twice is read once, first or last
    if _CONTROL.search(one_liners):
        raise _unclear()
    people = [_recipient(each) for each in ",".join([_decoded(recipients), *hidden]).split(",") if each.strip()]
    return Address(url, _cut(", ".join(people), _LONGEST_SHOWN), _cut(_encoded(url), _LONGEST_SHOWN))


def _recipient(text: str) -> str:
    """An e-mail address with its host in ASCII."""
    name, at, host = text.strip().rpartition("@")
    ascii_host = bytes(QUrl.toAce(host).data()).decode() if at else host
    if at and not ascii_host:
        raise _unclear()
    return f"{name}{at}{ascii_host}"


def _decoded(text: str) -> str:
    """The text without percent signs, however often they were encoded: a mail program may decode more than once."""
    for _ in range(5):
        text, before = unquote(text), text
        if text == before:
            break
    return text


def _encoded(url: QUrl) -> str:
    return bytes(url.toEncoded().data()).decode("ascii")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most // 2]}…{text[len(text) - most // 2 :]}"


def _unclear() -> BadRequest:
    return BadRequest(
        tr("This link is not opened."), tr("Programs could read its address differently and go to another place.")
    )

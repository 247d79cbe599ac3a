"""Files in Microsoft's older container (OLE): documents with a password, and Office's formats from before 2007.

Of the old formats only Excel's is read; for the others the person is told what to do.
"""

from __future__ import annotations

import io
from dataclasses import replace

import msoffcrypto
from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError, ParseError

from desktop_llm.errors import DocumentError
from desktop_llm.knowledge.readers import Parsing, Source
from desktop_llm.words import tr

# Excel opens a workbook with this password without asking for one.
_EXCELS_OWN = "VelvetSweatshop"


def read(source: Source) -> Parsing:
    """The document inside. Raises DocumentError: "password" if one is needed, "format" for a format that is too old."""
    data = source.data
    if _has(data, "EncryptedPackage") or (_has(data, "Workbook") and _is_encrypted(data)):
        data = _decrypted(source)
    from desktop_llm.knowledge.readers import docx, pptx, spreadsheet
    from desktop_llm.knowledge.readers.signatures import module_of

    inside = replace(source, data=data, password=None)
    if data.startswith(b"PK"):
        module = module_of(data, "spreadsheet")
        read_inside = docx.read if module == "docx" else pptx.read if module == "pptx" else spreadsheet.read
        return (yield from read_inside(inside))
    if _has(data, "WordDocument"):
        reason = tr("An old Word format (.doc). Save it as .docx in Word or LibreOffice and add it.")
    elif _has(data, "PowerPoint Document"):
        reason = tr("An old PowerPoint format (.ppt). Save it as .pptx in PowerPoint or LibreOffice and add it.")
    elif _has(data, "Workbook") or _has(data, "Book"):
        return (yield from spreadsheet.read(inside))
    else:
        reason = tr("An old kind of document that this app can't read")
    raise DocumentError(reason, cause="format")


def _has(data: bytes, stream: str) -> bool:
    """Whether the container has a stream of this name."""
    return (stream + "\0").encode("utf-16-le") in data


def _is_encrypted(data: bytes) -> bool:
    try:
        return bool(msoffcrypto.OfficeFile(io.BytesIO(data)).is_encrypted())
    except (FileFormatError, ParseError, DecryptionError, OSError, ValueError, LookupError, TypeError):
        return False


def _decrypted(source: Source) -> bytes:
    out = io.BytesIO()
    try:
        file = msoffcrypto.OfficeFile(io.BytesIO(source.data))
        file.load_key(password=source.password or _EXCELS_OWN, verify_password=True)
        file.decrypt(out)
    except InvalidKeyError:
        said = tr("Wrong password") if source.password else tr("Protected by a password")
        raise DocumentError(said, cause="password") from None
    except (FileFormatError, ParseError, DecryptionError) as error:
        raise DocumentError(tr("Protected in a way this app can't open"), cause="protected") from error
    except (OSError, ValueError, LookupError, TypeError, RuntimeError) as error:
        raise DocumentError(tr("Damaged"), cause="damaged") from error
    return out.getvalue()

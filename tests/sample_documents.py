"""Small real documents, made when needed: a lease, a letter, notes, a table, and some that can't be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

# ruff: noqa: E501 - the sentences of the lease are one line each
LEASE = (
    (
        "Lease agreement",
        "This lease is made between Maria Weber (the landlord) and Jonas Lind (the tenant) for the flat at "
        "12 Linden Street, second floor.",
        "The tenancy begins on 1 April 2024. The monthly rent is 1,180 euros and is due on the third day of each month.",
    ),
    (
        "Use of the flat",
        "The tenant keeps the flat clean and airs all rooms daily. Small repairs up to 75 euros each are paid by the "
        "tenant, at most 220 euros a year.",
        "Cats are allowed. Dogs need the landlord's written consent.",
    ),
    (
        "End of the tenancy",
        "Either party may end this tenancy by giving three months' notice in writing. The notice period begins on the "
        "first day of the month after the notice has been received.",
        "If the tenant ends the tenancy before the end of the second year, a fee of one half of the monthly rent is due.",
    ),
    (
        "Deposit",
        "The deposit of two monthly rents is held in a separate account and paid back within thirty days after the keys "
        "are returned, less any claims shown in writing.",
        "Interest on the deposit belongs to the tenant.",
    ),
)


def write_samples(folder: Path) -> None:
    """Fill a folder: four documents that can be read and three that can't."""
    folder.mkdir(parents=True, exist_ok=True)
    write_pdf(folder / "Lease_2024_signed.pdf", LEASE)
    write_pdf(folder / "Payroll_2023.pdf", LEASE[:1], password="secret")
    write_docx(folder / "Letter to the landlord.docx")
    (folder / "Meter readings.csv").write_text(
        "Date,Meter,Reading\n" + "".join(f"2024-{month:02}-01,Gas,{4100 + 137 * month}\n" for month in range(1, 13))
    )
    (folder / "House rules.md").write_text(
        "# House rules\n\n## Quiet hours\n\nFrom ten in the evening until six in the morning the house is quiet.\n\n"
        "## Bicycles\n\nBicycles stand in the cellar. The stairs stay free.\n"
    )
    (folder / "Empty notes.txt").write_text("")
    (folder / "Scan.pdf").write_bytes((folder / "Lease_2024_signed.pdf").read_bytes()[:900])


def write_pdf(path: Path, pages: Sequence[Sequence[str]], password: str = "") -> None:
    """A PDF with a heading and paragraphs on each page; `password`, if given, opens it."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer

    styles = getSampleStyleSheet()
    parts = []
    for number, (heading, *paragraphs) in enumerate(pages, 1):
        parts.append(Paragraph(f"{number}. {heading}", styles["Heading1"]))
        for paragraph in paragraphs:
            parts += [Paragraph(paragraph, styles["BodyText"]), Spacer(1, 8)]
        parts.append(PageBreak())
    encrypt = StandardEncryption(password) if password else None
    SimpleDocTemplate(str(path), pagesize=A4, encrypt=encrypt, title=path.stem).build(parts)


def write_docx(path: Path) -> None:
    """A letter with a heading and a table."""
    from docx import Document

    letter = Document()
    letter.add_heading("About the heating", 1)
    letter.add_paragraph("Dear Mrs Weber, the radiator in the kitchen has not been warm since 4 November.")
    table = letter.add_table(rows=2, cols=2)
    for cell, text in zip(
        (cell for row in table.rows for cell in row.cells), ("Room", "Degrees", "Kitchen", "16"), strict=True
    ):
        cell.text = text
    letter.save(str(path))

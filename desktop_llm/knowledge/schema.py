"""The tables of knowledge.db and their versions."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from desktop_llm.errors import UserError
from desktop_llm.words import tr

# Chunk ids are never used twice: the nearest-neighbour index may still know a removed one.
_FIRST = """
CREATE TABLE fact(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE collection(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, changed_at REAL);
CREATE TABLE source(
    id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, version TEXT NOT NULL, format TEXT NOT NULL, title TEXT NOT NULL,
    page_count INTEGER, UNIQUE(sha256, version));
CREATE TABLE document(
    id INTEGER PRIMARY KEY, collection INTEGER NOT NULL REFERENCES collection(id), path BLOB NOT NULL,
    source INTEGER REFERENCES source(id), status TEXT NOT NULL, reason TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, waiting INTEGER NOT NULL, UNIQUE(collection, path));
CREATE INDEX document_source ON document(source);
CREATE INDEX document_path ON document(path);
CREATE TABLE page(
    id INTEGER PRIMARY KEY, source INTEGER NOT NULL REFERENCES source(id) ON DELETE CASCADE,
    position INTEGER NOT NULL, number INTEGER, text TEXT NOT NULL, UNIQUE(source, position));
CREATE TABLE chunk(
    id INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL REFERENCES source(id) ON DELETE CASCADE,
    page INTEGER NOT NULL REFERENCES page(id) ON DELETE CASCADE, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    place TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX chunk_source ON chunk(source);
CREATE INDEX chunk_page ON chunk(page);
CREATE TABLE vector(
    chunk INTEGER NOT NULL REFERENCES chunk(id) ON DELETE CASCADE, fingerprint TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY(chunk, fingerprint)) WITHOUT ROWID;
CREATE TABLE index_task(
    id INTEGER PRIMARY KEY AUTOINCREMENT, collection INTEGER NOT NULL, action TEXT NOT NULL, chunks TEXT NOT NULL);
"""


# `folder`: a folder of a collection that is looked through again when something in it changes. `include` and `exclude`
# are patterns, one a line; `found` is what the last look found, as JSON. `document.named`: a person named this very
# file, not a folder that it lies in; `held`: its file has disappeared with many others (knowledge/folders.py).
# `chunk.headings`: what stands above the chunk; `chunk.header`: the column names of the table whose rows it holds.
_SECOND = """
ALTER TABLE chunk ADD COLUMN headings TEXT NOT NULL DEFAULT '';
ALTER TABLE chunk ADD COLUMN header TEXT NOT NULL DEFAULT '';
CREATE TABLE folder(
    id INTEGER PRIMARY KEY, collection INTEGER NOT NULL REFERENCES collection(id) ON DELETE CASCADE, path BLOB NOT NULL,
    include TEXT NOT NULL DEFAULT '', exclude TEXT NOT NULL DEFAULT '', watched INTEGER NOT NULL DEFAULT 1,
    looked_at REAL, found TEXT NOT NULL DEFAULT '', UNIQUE(collection, path));
ALTER TABLE document ADD COLUMN named INTEGER NOT NULL DEFAULT 0;
ALTER TABLE document ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
"""

# `source.words`: how many words its pages have; those of earlier versions are counted by their blanks.
# `collection.ocr`: whether the text of pictures of pages is recognised. `document.unread`: why the file as it is now
# could not be read, while the text of an earlier reading is in use; `tries`: how often in a row its reading failed for
# something that may be over by the next look.
_THIRD = """
ALTER TABLE source ADD COLUMN words INTEGER NOT NULL DEFAULT 0;
ALTER TABLE collection ADD COLUMN ocr INTEGER NOT NULL DEFAULT 1;
ALTER TABLE document ADD COLUMN unread TEXT NOT NULL DEFAULT '';
ALTER TABLE document ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
UPDATE source SET words = (
    SELECT coalesce(sum(length(text) - length(replace(replace(text, char(10), ''), ' ', '')) + 1), 0)
    FROM page WHERE page.source = source.id);
"""

# `embedding_model`: a GGUF file that a collection's passages were or are to be embedded with, as it was when it was
# checked; `collection.model` is the fingerprint of the one that answers ('': the starter), `next_model` of the one that
# takes over once all passages have its vectors. `embedded`: contents whose passages have all vectors of a model that
# they are to have, with a checksum of these ('' in rows of older versions).
_FOURTH = """
CREATE TABLE embedding_model(
    id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, name TEXT NOT NULL, path BLOB NOT NULL,
    sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL);
CREATE TABLE embedded(
    source INTEGER NOT NULL REFERENCES source(id) ON DELETE CASCADE, fingerprint TEXT NOT NULL,
    checksum TEXT NOT NULL, PRIMARY KEY(source, fingerprint)) WITHOUT ROWID;
ALTER TABLE collection ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE collection ADD COLUMN next_model TEXT;
INSERT INTO embedded
    SELECT DISTINCT chunk.source, fingerprint, '' FROM vector JOIN chunk ON chunk.id = vector.chunk;
"""

STEPS = (_FIRST, _SECOND, _THIRD, _FOURTH)
"""Step n brings the tables from version n - 1 to version n."""

VERSION = len(STEPS)


def migrate(connection: sqlite3.Connection, path: Path, tokenizer: str) -> None:
    """Bring the tables to this version, all steps or none; a copy of the old file is kept beside it.

    `tokenizer` is FTS5's, for the keyword index. Raises UserError for a database that a newer version wrote.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise UserError(
            tr("{file} was written by a newer version of this app.", file=path),
            tr("The file is unchanged. Install that version again to use it."),
        )
    if version == VERSION:
        return
    if version:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        shutil.copyfile(path, path.with_name(f"{path.name}.v{version}"))
    steps = "\n".join(STEPS[version:])
    # Contentless: it indexes the folded text, and the chunk's own text is already in its table.
    words = f"CREATE VIRTUAL TABLE chunk_words USING fts5(text, content='', tokenize=\"{tokenizer}\");"
    first = "" if version else words
    connection.executescript(f"BEGIN IMMEDIATE; {steps} {first} PRAGMA user_version = {VERSION}; COMMIT;")

"""What one document may cost, all in one place: its size, its text, its time and memory.

A document beyond a `Budget` goes to the end of the queue, so that the files behind it are read first; then it gets the
larger budget, once; then reading stops, and what was read by then is kept and marked as partly read. The sizes below
are no matter of patience: a document beyond one of them is cut there, or refused if it has no pages to keep.
"""

from __future__ import annotations

from dataclasses import dataclass

# The worker and the reader each hold the whole file in memory; a scanned book of 1,000 pages has about 100 MB.
MAX_FILE_BYTES = 200_000_000
# About 10,000 printed pages. The worker holds all of a document's text while it cuts it into passages.
MAX_TEXT_LENGTH = 20_000_000
# A page travels as one frame, and a format without pages is one page.
MAX_PAGE_LENGTH = 10_000_000
# The headings of a page travel with it; no table of contents is longer.
MAX_HEADINGS = 10_000
MAX_TITLE_LENGTH = 300
# So do its tables; the column names of the widest ones are cut.
MAX_TABLES = 10_000
MAX_HEADER_LENGTH = 2_000
# Parsed XML takes about ten times its size in memory, so one part fits into READER_BYTES and two would not.
MAX_PART_BYTES = 100_000_000
# A sheet's whole rectangle is held in memory, empty cells too; Excel 97's largest sheet has 17 million.
MAX_CELLS = 20_000_000
# What all parts of a document may unpack to; the text of the longest novels is 4 MB.
MAX_UNPACKED_BYTES = 200_000_000
# Files inside a file (archives, attachments), at all depths together, and how deep an archive may lie in another.
MAX_INNER_FILES = 10_000
MAX_NESTING = 3
# A PDF that names this many pages in a row that are not in the file has none after them: it lies about its length.
MAX_MISSING_PAGES = 200
# A drawn page has 256 MB at most: four bytes for each pixel.
MAX_PICTURE_WIDTH = 4_000
MAX_PICTURE_HEIGHT = 16_000
# Of a picture file; a camera of today takes up to 100 million.
MAX_PICTURE_PIXELS = 120_000_000
# A reader that takes more is ended. Real documents stay below 500 MB; the window and a model need the rest of 8 GB.
READER_BYTES = 2 * 1024**3
# A reader is replaced after a file that left it this large.
READER_GROWN_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Budget:
    """What one document may cost.

    `whole_s` is for everything that is done with it, by the wall clock: reading, cutting, embedding and storing. On a
    busy machine it goes on beyond that until it had `least_cpu_s` of processor time. `idle_s` is the time in which the
    reader neither computes nor waits for the processor or the disk; parsing never does. Each of the first `pictures`
    pages that were read from their picture adds `picture_s` to the time for reading.
    """

    whole_s: float
    least_cpu_s: float
    idle_s: float
    pages: int
    passages: int
    pictures: int = 0
    picture_s: float = 0.0


# Each part of the work has to be over when this share of the time is, because what follows takes time too.
READ_BY, CUT_BY, EMBED_BY = 0.5, 0.65, 0.85

# 900 ordinary files out of 1,000 need less than a second, and a book of 1,000 pages about five. A folder's other files
# never wait longer than this for one of them.
FIRST = Budget(whole_s=20.0, least_cpu_s=2.0, idle_s=5.0, pages=5_000, passages=1_000)
# Nothing waits behind it any more, so this is for the longest documents that people have: standards, ledgers, logs. A
# page of a scanned book takes 3 to 15 seconds of one core: so it is read as long as each page comes in time.
LARGER = Budget(whole_s=75.0, least_cpu_s=13.0, idle_s=7.0, pages=20_000, passages=20_000, pictures=500, picture_s=30.0)
# Somebody waits for the picture.
DRAWING = Budget(whole_s=15.0, least_cpu_s=5.0, idle_s=5.0, pages=1, passages=0)

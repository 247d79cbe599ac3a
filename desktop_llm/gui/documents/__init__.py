"""The Documents page: collections as cards, their files as a table, search over all of them.

`page.py` is what the window takes; everything else here is a part of it. `words.py` is also read by the evidence panel
and the drop sheet, which speak of the same files.
"""

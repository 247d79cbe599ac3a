"""The Documents page: collections as cards, their files as a table, search over all of them.

The window builds `page.py` and its `controller.py`; the other modules are parts of them.
"""

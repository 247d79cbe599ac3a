"""The window: it shows data and asks for work, nothing else.

Widgets take data through setters and send signals; only `work/tasks.py` starts threads, and only `build.py` makes the
clients and stores. No other room imports this one, and PySide6 is imported nowhere else.
"""

import builtins

import PySide6.QtCore  # noqa: F401

# PySide replaces Python's import by one that reads and keeps the source of every module, to look for `__feature__`,
# which is not used here. Without it a start takes a tenth less processor time, and 8 MB less memory.
builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)

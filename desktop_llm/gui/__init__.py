"""The window: it shows and asks, nothing else.

Widgets take data through setters and speak through signals; only `tasks.py` knows threads and only `app.py` knows
the clients and stores. No other room imports this one, and PySide6 is imported nowhere else.
"""

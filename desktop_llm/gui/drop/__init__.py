"""Files dropped anywhere on the window: a sheet over everything that asks where they should go.

`overlay.py` is what the window installs; `dropped.py` says what is being dragged, `sheet.py` shows the places for it,
each of them a `tile.py`.
"""

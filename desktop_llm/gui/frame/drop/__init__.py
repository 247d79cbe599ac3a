"""Files dropped anywhere on the window: a sheet over everything that asks where they should go.

The window installs `overlay.py`, which sorts the dragged paths; `sheet.py` shows the zones for them as tiles.
"""

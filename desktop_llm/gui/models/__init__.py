"""The Models page: models on Hugging Face, models on this computer, and downloads from one to the other.

Widgets take data through setters and send signals; the controllers ask the hub, the library and the downloads. The rest
of the window uses `room.py`.
"""

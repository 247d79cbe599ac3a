"""The Models page: finding models on Hugging Face, what is on this computer, and the downloads between the two.

Widgets are given data by setters and speak by signals; the controllers beside this folder ask the hub, the library and
the downloads. Only `page.py` is meant for the rest of the window.
"""

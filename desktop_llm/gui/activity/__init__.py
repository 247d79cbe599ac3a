"""The Activity page: all models, downloads and documents that are being worked on or have stopped, in one place.

It shows the same cards as the pages on which the work began.
"""

"""The Activity page: everything that runs now or stopped, of models, downloads and documents, in one place.

It shows the same cards as the pages where the work was started. Only `page.py` is meant for the rest of the window.
"""

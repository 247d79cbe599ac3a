"""The evidence panel: the page a quote comes from, with the quote lit, and all passages of an answer.

`panel.py` is what the window takes. The highlighter yellow of the theme is used here and nowhere for decoration.
"""

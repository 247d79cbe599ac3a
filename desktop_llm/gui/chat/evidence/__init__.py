"""The evidence panel: the page that a quote comes from, with the quote highlighted, and all passages of an answer.

The window uses `panel.EvidencePanel`. The theme's highlighter yellow marks evidence and never decorates.
"""

"""Tells whether passages say what a sentence says, without a model. Enter by `evidence.Evidence`; `cite.py` does."""

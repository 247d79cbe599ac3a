"""The words of an answer: how sure the model was of each, what else might have come, and going on from there."""

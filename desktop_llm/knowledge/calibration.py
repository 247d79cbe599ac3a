"""Puts the similarities of different embedding models on one scale.

Cosines mean different things: two unrelated texts have about 0 with MiniLM, and 0.75 with e5, which was trained at a
low temperature. So each model embeds the same questions and passages once, some that belong together and some that do
not, and its similarities are stretched until both kinds have the averages that the starter model gives them. The
weights and limits in `retrieve.py` were measured with the starter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from desktop_llm.knowledge.embed import Vectors

PAIRS = (
    ("When does the lease end?", "The term of this agreement expires on the last day of May."),
    ("Who discovered penicillin?", "In 1928 Alexander Fleming saw that a mould had killed his bacteria."),
    ("How do I bake bread?", "Mix flour, water, salt and yeast, let the dough rise for two hours, then bake it hot."),
    ("What causes the tides?", "The pull of the moon and the sun raises the level of the seas twice a day."),
    ("How much did the company earn?", "Revenue rose to 4.2 million in the third quarter, and profit to 310,000."),
    ("Which side effects does the drug have?", "Patients reported headaches, nausea and a rash after the tablets."),
    ("How is a list sorted in Python?", "The function sorted returns a new list; the method sort changes it."),
    ("Where do penguins live?", "These birds that can't fly breed on the coasts of Antarctica."),
)
"""Questions, each with a passage that answers it."""

# The averages of the starter model over the pairs that belong together and over all others (measured).
_RELATED, _UNRELATED = 0.52, 0.02
_LEAST_DIFFERENCE = 0.02  # a model that tells related from unrelated no better is not stretched further


@dataclass(frozen=True, slots=True)
class Scale:
    """The average similarity that a model gives to what belongs together, and to what does not."""

    related: float = _RELATED
    unrelated: float = _UNRELATED

    def common(self, similarity: float) -> float:
        """A similarity of this model on the starter's scale."""
        difference = max(_LEAST_DIFFERENCE, self.related - self.unrelated)
        return _UNRELATED + (similarity - self.unrelated) * (_RELATED - _UNRELATED) / difference


def scale_of(questions: Vectors, passages: Vectors) -> Scale:
    """The scale of a model that embedded the questions and the passages of `PAIRS`, in this order."""
    similarity = questions @ passages.T
    together = np.eye(len(similarity), dtype=bool)
    return Scale(float(similarity[together].mean()), float(similarity[~together].mean()))

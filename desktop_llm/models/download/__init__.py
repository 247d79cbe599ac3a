"""Getting a model: ranged, resumed, verified and repaired; published only whole. `Downloads` is the way in."""

from desktop_llm.models.download.downloads import (
    Downloads,
    Pulled,
    PullProgress,
    Unfinished,
)

__all__ = [
    "Downloads",
    "PullProgress",
    "Pulled",
    "Unfinished",
]

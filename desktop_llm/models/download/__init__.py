"""Downloads models: in ranges, resumed, verified and repaired; published only when whole. Enter by `Downloads`."""

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

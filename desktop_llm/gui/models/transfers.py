"""What the downloads panel shows of one download."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from desktop_llm.errors import UserError
from desktop_llm.gui.documents.words import plain, size
from desktop_llm.gui.model_words import size_word
from desktop_llm.gui.models import words
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.download import PullProgress

Stage = Literal["waiting", "downloading", "checking", "repairing", "paused", "done", "failed"]
# What holds one of the places of downloads that run at the same time.
RUNNING: tuple[Stage, ...] = ("downloading", "checking", "repairing")


@dataclass(frozen=True, slots=True)
class Download:
    """One download: what, how far, and how it ended. `hub` is what the place is called that it comes from; `reason`
    says why it waits; `model_id` is set once it is in the library, `checked` where the hub named a checksum for it,
    `in_use` while the next message goes to it.
    """

    key: str
    name: str
    quantization: str
    stage: Stage = "waiting"
    done_bytes: int = 0
    total_bytes: int = 0
    bytes_per_s: float = 0.0
    seconds_left: float | None = None
    reason: str = ""
    error: UserError | None = None
    model_id: str = ""
    checked: bool = True
    in_use: bool = False
    hub: str = "Hugging Face"

    @property
    def full_name(self) -> str:
        """The name with its size in a word, which tells two downloads of one repository apart."""
        return f"{plain(self.name)} {size_word(self.quantization)}".strip()

    @property
    def running(self) -> bool:
        """Whether something goes on in it right now."""
        return self.stage in RUNNING

    @property
    def fraction(self) -> float:
        """The part that is here, 0 to 1."""
        return self.done_bytes / self.total_bytes if self.total_bytes else 0.0


def facts_line(download: Download) -> tuple[str, str]:
    """What stands below the bar, at the left and at the right: "3.9 of 6.7 GB, 18 MB/s" and "2 min left"."""
    amount = words.amount_of(download.done_bytes, download.total_bytes)
    match download.stage:
        case "waiting":
            return amount, tr("Trying again") if download.reason else tr("Waiting for its turn")
        case "paused":
            return amount, tr("Paused")
        case "checking":
            return tr("Checking sha256"), amount
        case "repairing":
            return tr("Mending a part"), amount
        case "done":
            return size(download.total_bytes), tr("Checked, ready to use") if download.checked else tr("Ready to use")
    if download.bytes_per_s > 0:
        amount = f"{amount}, {words.speed(download.bytes_per_s)}"
    left = download.seconds_left
    return amount, words.time_left(left) if left is not None else ""


def advanced(download: Download, progress: PullProgress) -> Download:
    """The download after a step."""
    return replace(
        download,
        stage=progress.stage,
        done_bytes=progress.done_bytes,
        total_bytes=progress.total_bytes,
        bytes_per_s=progress.bytes_per_s,
        seconds_left=progress.seconds_left,
        reason=progress.reason,
    )

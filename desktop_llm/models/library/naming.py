"""What a downloaded model is called: people look for it by the name they got it under."""

from __future__ import annotations

import re


def repository_name(repo: str) -> str:
    """A repository's name as a model's: "Qwen/Qwen3-8B-GGUF" becomes "Qwen3 8B"."""
    title = repo.rpartition("/")[2]
    name = re.sub(r"[-_.]gguf$", "", title, flags=re.IGNORECASE)
    return re.sub(r"[-_]+", " ", name).strip() or title


def called(told: str, repo: str, file: str) -> str:
    """What the file tells of itself, or its repository's name where that tells other things: a training run, say."""
    if not repo or (told and _word_set(told) <= _word_set(f"{repo} {file}")):
        return told
    return repository_name(repo)


def _word_set(name: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", name.casefold()))

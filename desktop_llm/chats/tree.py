"""Branches of a conversation, as pure functions over "message id → parent id" in the order of creation.

A regenerated answer or an edited question is another child of the same parent; the transcript shows one path, from a
root to the active leaf.
"""

from __future__ import annotations

from collections.abc import Mapping

Parents = Mapping[str, str | None]


def branch(parents: Parents, leaf: str | None) -> list[str]:
    """The path from the root to `leaf`; it begins later if a parent is unknown or repeats."""
    path: dict[str, None] = {}
    while leaf is not None and leaf in parents and leaf not in path:
        path[leaf] = None
        leaf = parents[leaf]
    return list(reversed(path))


def siblings(parents: Parents, message: str) -> list[str]:
    """All children of the parent of `message`, itself included, oldest first."""
    return [other for other, parent in parents.items() if parent == parents[message]]


def newest_leaf(parents: Parents, message: str) -> str:
    """The end of the branch below `message`, following the newest child at each fork."""
    newest_child = {parent: child for child, parent in parents.items()}
    seen = set()
    while message in newest_child and message not in seen:
        seen.add(message)
        message = newest_child[message]
    return message


def places(parents: Parents) -> dict[str, tuple[int, int]]:
    """Each message's number among its siblings (from 1), and their count."""
    families: dict[str | None, list[str]] = {}
    for message, parent in parents.items():
        families.setdefault(parent, []).append(message)
    return {
        message: (number, len(family)) for family in families.values() for number, message in enumerate(family, start=1)
    }

"""Branches are plain arithmetic over parents."""

from desktop_llm.chats import tree

# a ─ b ─ c      b2 is a second answer to a, d a second beginning
#   └ b2 ─ e
PARENTS = {"a": None, "b": "a", "c": "b", "b2": "a", "d": None, "e": "b2"}


def test_a_branch_runs_from_the_root_to_its_leaf() -> None:
    assert tree.branch(PARENTS, "c") == ["a", "b", "c"]
    assert tree.branch(PARENTS, None) == []
    assert tree.branch(PARENTS, "gone") == []


def test_siblings_are_the_children_of_one_parent_in_order() -> None:
    assert tree.siblings(PARENTS, "b2") == ["b", "b2"]
    assert tree.siblings(PARENTS, "d") == ["a", "d"]


def test_the_newest_leaf_follows_the_newest_child() -> None:
    assert tree.newest_leaf(PARENTS, "a") == "e"
    assert tree.newest_leaf(PARENTS, "b") == "c"
    assert tree.newest_leaf(PARENTS, "d") == "d"


def test_every_message_knows_its_place_among_its_siblings() -> None:
    assert tree.places(PARENTS)["b2"] == (2, 2)
    assert tree.places(PARENTS)["c"] == (1, 1)
    assert tree.places(PARENTS)["a"] == (1, 2)


def test_a_damaged_circle_of_parents_ends() -> None:
    assert tree.branch({"a": "b", "b": "a"}, "a") == ["b", "a"]
    assert tree.newest_leaf({"a": "b", "b": "a"}, "a") in ("a", "b")

"""Stores conversations: one SQLite file that is the truth about every chat.

This room owns `chats.db` and nothing else: storing, branching, searching, titling and exporting. The front ends come
in through `store.ChatStore` (the one writing connection, called from one serial lane) and `store.ChatReader` (a second,
read-only connection). This room knows no model, no worker and no window.
"""

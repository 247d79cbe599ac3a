"""Shared by the pages: tasks in threads, the chat store's lane, the chosen model, collections, notices, settings."""

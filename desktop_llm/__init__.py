"""Desktop LLM: a private chat app for open models and the person's own documents, on their own machine."""

__version__ = "0.1.0"

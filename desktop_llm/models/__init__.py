"""Model files: what is on disk, what a GGUF header says, and what was measured about them.

The window, the command line and the server come in through `library.Library`; nothing here runs a model.
"""

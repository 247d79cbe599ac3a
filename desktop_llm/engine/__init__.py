"""The engine: one child process per loaded chat model, and the client through which the app talks to it.

The app uses `client`, which is built on `choice` and `shapes`. Everything else runs in the child, which may crash.
"""

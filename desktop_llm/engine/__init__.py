"""The engine: one child process per loaded chat model, and the client through which the app talks to it.

The app comes in through `client.Engine` only. Everything else here runs in the child, where llama.cpp may crash.
"""

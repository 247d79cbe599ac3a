"""The adapters of a chat in its settings: a row for each, with a switch, a number and a slider."""

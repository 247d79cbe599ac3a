"""A conversation's turn from the question to the stored answer, without a window; all front ends use it.

`desk` knows which chats are being answered and which questions wait, `turn` answers one question, `prompt` writes the
chat as the model reads it, `storing` stores it, and `events` are sent to the front end and add up to a state.
"""

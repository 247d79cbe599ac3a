"""The work of the command line's larger commands; `cli.py` holds the arguments and prints. Nobody else imports this
room.
"""

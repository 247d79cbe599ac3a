"""What the command line's larger commands do; `cli.py` holds the arguments and the printing. Nobody else comes in."""

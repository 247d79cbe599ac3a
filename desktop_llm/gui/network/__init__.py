"""The panel with every network request, the state in the header, and their controller."""

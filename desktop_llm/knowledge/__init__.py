"""Documents: read, cut into chunks, embedded, stored, found again and quoted.

The app comes in through `client.py` alone; everything else runs in the knowledge worker (one per data folder) and in
its readers. `store.py` holds the truth; the nearest-neighbour index over it can be thrown away and rebuilt.
"""

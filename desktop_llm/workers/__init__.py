"""Child processes: the wire, a child's loop, a child's whole life as its parent sees it, and its confinement.

Everybody may come in: the app process uses `process`, the children use `child` and `confine`, both speak `protocol`.
"""

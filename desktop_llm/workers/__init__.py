"""Child processes: the wire, a child's loop, the parent's side of a child's whole life, and its confinement.

Every room may use it: the app process uses `process`, the children use `child` and `confine`, and both use `protocol`.
"""

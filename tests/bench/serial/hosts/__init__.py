"""The hosts that are measured, each a program: HOST PORT BAUD FILE. Each runs in its own environment.

A host prints one line, `{"cpu": seconds, "rss": MB}`, when it thinks that the file is printed; what it took is seen
at the far end. These programs import nothing of ours but their own host.
"""

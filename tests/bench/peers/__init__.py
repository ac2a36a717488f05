"""Other libraries that can be installed here, each with the same records: how they are filled, started and asked.

`NAME.txt` pins a Python peer with hashes; it gets an environment of its own, outside the project.
"""

"""Kinds of files. The list of them is in `door`; reading them happens in a process of its own."""

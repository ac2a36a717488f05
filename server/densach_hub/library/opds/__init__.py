"""OPDS for reading apps on phones and tablets: 1.2 (Atom) and 2.0 (JSON), signing in, and the reader's place."""

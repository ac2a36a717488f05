"""What `densach check` looks at: tools, types, floors, texts, documents, and what must not be in the tree."""

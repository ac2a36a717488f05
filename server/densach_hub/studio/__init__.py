"""The studio: equipment that speaks for itself, and whether a studio room is ready. Its facts are fleet's."""

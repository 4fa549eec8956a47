"""The JSON edge: nouns of DESIGN's table of words under /api/v1, each operation one verb of the domain."""

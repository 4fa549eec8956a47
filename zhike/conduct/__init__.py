"""The conduct engine: facts and clauses in, obligations, verdicts, briefs and measures out. Pure Python."""

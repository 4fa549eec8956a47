"""Public data sets made into files that an import reads."""

"""The commands of `zhike`, a file for each noun; each function imports what it needs when it runs."""

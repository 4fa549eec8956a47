"""Zhike 知客: the relationship manager's workbench of a bank."""

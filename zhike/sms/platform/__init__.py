"""The bank's own SMS platform over HTTP, as the bank describes it in a TOML file: what is asked, and what the answers mean."""

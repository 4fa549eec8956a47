"""The market: who might become a customer (W3, W5), and what is seen of it (W3, W12)."""

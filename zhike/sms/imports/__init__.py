"""What was sent on the bank's other SMS platform, taken in from its file (S1): read, joined to its customer, kept once, judged afterwards."""

"""Notices (通知): reminders on their way to people. What rings becomes one notice a person and channel; it is claimed, sent, confirmed."""

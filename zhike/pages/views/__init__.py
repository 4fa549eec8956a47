"""One file a screen; each view states its policy and makes one domain call."""

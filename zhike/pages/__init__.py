"""Every screen. The only HTML."""

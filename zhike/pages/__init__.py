"""Every screen of Zhike: the only place that makes HTML."""

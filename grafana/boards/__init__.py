"""The dashboards, one module each, and the vocabulary they share."""

"""panewatch: a Prometheus exporter for the work done in tmux panes."""

__version__ = "0.1.0"

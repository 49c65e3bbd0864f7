"""Items as they are stored → experiments."""

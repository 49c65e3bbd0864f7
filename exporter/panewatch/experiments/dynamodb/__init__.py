"""Experiments in a table of DynamoDB."""

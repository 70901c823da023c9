"""Conversations as files for others to read."""

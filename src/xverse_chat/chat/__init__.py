"""The conversation without a model or a screen. Standard library only."""

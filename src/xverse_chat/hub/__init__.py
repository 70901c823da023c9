"""The way of the weights: from a ModelScope server to a verified model folder."""

"""The format on disk: what upstream publishes and what a model folder holds.

Below ``hub``, which writes it, and ``engine``, which reads it. torch only inside functions.
"""

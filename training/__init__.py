"""The demo model: its dialogues, its tokenizer, its training and its measures.

A program beside the package: nothing in ``xverse_chat`` imports it.
"""

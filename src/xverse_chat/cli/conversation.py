"""The conversation in a terminal: wires session, model and screen together."""

"""The command line: options, wiring, and from an error to its exit code. May import all layers."""

"""Everything the user sees and types. Only this layer draws."""

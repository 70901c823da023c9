"""Everything with torch: the model, its tokenizer, quantization, generation."""

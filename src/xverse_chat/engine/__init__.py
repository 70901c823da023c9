"""Everything with torch: the model, its prompt, quantization, cache, sampling, generation.

``folders`` and ``memory`` answer what can be known before torch is loaded, and do not import it.
"""

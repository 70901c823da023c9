"""The decode engine for NVIDIA GPUs: CUDA kernels, one graph for the whole step, prefill."""

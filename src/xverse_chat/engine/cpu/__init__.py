"""The forward for CPUs: C++ kernels compiled for the processor at hand, on the model's weights."""

"""Imported once by the process that all killed processes are forked from."""

import modelscope_hub
import modelscope_hub._download
import safetensors.torch
import torch

import xverse_chat.hub.download

torch.set_num_threads(1)
__all__ = ["modelscope_hub", "safetensors", "torch", "xverse_chat"]

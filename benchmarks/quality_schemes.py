"""The quantization schemes to compare: ours, and what a user would pick instead.

A scheme restores a matrix as its library would compute with it. Other libraries are called where
they are installed, on the CPU; where one is not, its schemes are missing and the table says so.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from benchmarks.quality_llama_cpp import Ggml, fitting_format, load_ggml, q4_k_m_format
from xverse_chat.engine.quant import dequantize, quantize_int4, quantize_int8

ACROSS_ROWS = ", blocks across rows"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a matrix stands in the model: ``name`` such as ``v_proj``, its layer of how many."""

    name: str
    layer: int
    layers: int


@dataclass(frozen=True, slots=True)
class Restored:
    """A matrix with its rounding errors, float32, and the ``bits`` of one weight."""

    weight: Tensor
    bits: float


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way to quantize. ``library`` is the package that does it, None for our own.

    ``linear`` restores a matrix of a layer, ``head`` the lm_head as users of the scheme get it.
    """

    name: str
    library: str | None
    head_name: str
    linear: Callable[[Tensor, Place], Restored]
    head: Callable[[Tensor], Restored]


def is_installed(library: str | None) -> bool:
    """Tell whether a package can be called, None being our own; llama_cpp by its library."""
    if library == "llama_cpp":
        return load_ggml() is not None
    return library is None or importlib.util.find_spec(library) is not None


def schemes() -> Iterator[Scheme]:
    """Yield every scheme, also those whose library is missing: ask ``is_installed`` first."""
    yield _uniform("ours, 8 bits", None, _ours_8, head="8 bits")
    yield _uniform("ours, 4 bits", None, _ours_4, head="8 bits")
    yield _uniform("bitsandbytes NF4", "bitsandbytes", partial(_nf4, doubled=False))
    yield _uniform("bitsandbytes NF4, double", "bitsandbytes", partial(_nf4, doubled=True))
    yield _uniform("HQQ, group 64", "hqq", _hqq)
    yield _uniform("torchao int4, group 64", "torchao", partial(_torchao, group=64))
    yield _uniform("torchao int4, group 128", "torchao", partial(_torchao, group=128))
    for file_type, head in (("Q8_0", "Q8_0"), ("Q4_0", "Q6_K"), ("IQ4_XS", "Q6_K")):
        yield _llama_cpp(file_type, head, partial(_same_format, file_type))
    yield _llama_cpp("Q4_K_M", "Q6_K", _mixed_format)
    yield _across_rows("IQ4_XS", partial(_same_format, "IQ4_XS"))
    yield _across_rows("Q4_K_M", _mixed_format)


def _uniform(
    name: str, library: str | None, restore: Callable[[Tensor], Restored], head: str = "16 bits"
) -> Scheme:
    head_restore = _ours_8 if head == "8 bits" else _unchanged
    return Scheme(name, library, head, lambda weight, place: restore(weight), head_restore)


def _unchanged(weight: Tensor) -> Restored:
    return Restored(weight.float(), 16)


def _ours_8(weight: Tensor) -> Restored:
    restored = dequantize(quantize_int8(weight), torch.float32)
    return Restored(restored, 8 + 16 / weight.shape[1])


def _ours_4(weight: Tensor) -> Restored:
    return Restored(dequantize(quantize_int4(weight), torch.float32), 4 + 20 / 64)


def _nf4(weight: Tensor, *, doubled: bool) -> Restored:
    library = importlib.import_module("bitsandbytes.functional")
    packed, state = library.quantize_4bit(
        weight.float(), blocksize=64, quant_type="nf4", compress_statistics=doubled
    )
    # 32 bits for 64 weights; doubled: 8 bits, and 32 for 256 of those.
    bits = 4 + (8 + 32 / 256) / 64 if doubled else 4 + 32 / 64
    return Restored(library.dequantize_4bit(packed, state).float(), bits)


def _hqq(weight: Tensor) -> Restored:
    quantizer = importlib.import_module("hqq.core.quantize").Quantizer
    packed, meta = quantizer.quantize(
        weight.float(), nbits=4, group_size=64, axis=1, device="cpu", compute_dtype=torch.float16
    )
    for name in ("scale", "zero"):
        meta[name] = meta[name].half().float()  # as they are stored
    meta["compute_dtype"] = torch.float32
    return Restored(quantizer.dequantize(packed, meta).float(), 4 + 32 / 64)


def _torchao(weight: Tensor, *, group: int) -> Restored:
    # Its tensors are packed on a GPU only; these are the functions that choose the numbers in them.
    library = importlib.import_module("torchao.quantization.quant_primitives")
    exact, block = weight.bfloat16(), (1, group)
    scales, zeros = library._choose_qparams_affine_tinygemm(
        exact,
        library.MappingType.ASYMMETRIC,
        block,
        torch.int32,
        0,
        15,
        scale_dtype=torch.bfloat16,
        zero_point_dtype=torch.bfloat16,
    )
    codes = library._quantize_affine_tinygemm(exact, block, scales, zeros, torch.int32, 0, 15)
    restored = library._dequantize_affine_tinygemm(
        codes, block, scales, zeros, torch.int32, 0, 15, output_dtype=torch.float32
    )
    return Restored(restored, 4 + 32 / group)


def _llama_cpp(file_type: str, head: str, choose: Callable[[Tensor, Place], str]) -> Scheme:
    def linear(weight: Tensor, place: Place) -> Restored:
        return _in_format(weight, choose(weight, place))

    return Scheme(
        f"llama.cpp {file_type}",
        "llama_cpp",
        head,
        linear,
        lambda weight: _in_format(weight, head),
    )


def _same_format(format_name: str, weight: Tensor, place: Place) -> str:
    return format_name


def _mixed_format(weight: Tensor, place: Place) -> str:
    return q4_k_m_format(place.name, layer=place.layer, layers=place.layers)


def _in_format(weight: Tensor, format_name: str) -> Restored:
    ggml = _ggml()
    fitting = fitting_format(format_name, weight.shape[1])
    return Restored(ggml.restored(weight, fitting), ggml.bits(fitting))


def _across_rows(file_type: str, choose: Callable[[Tensor, Place], str]) -> Scheme:
    """Return the scheme as it is at a width of 256, for a matrix whose width is no multiple.

    llama.cpp itself would take larger formats then; the model that this program is for has none.
    """

    def restore(weight: Tensor, format_name: str) -> Restored:
        flat = _in_format(weight.reshape(-1, 256), format_name)
        return Restored(flat.weight.view_as(weight), flat.bits)

    return Scheme(
        f"llama.cpp {file_type}{ACROSS_ROWS}",
        "llama_cpp",
        "Q6_K",
        lambda weight, place: restore(weight, choose(weight, place)),
        lambda weight: restore(weight, "Q6_K"),
    )


def _ggml() -> Ggml:
    ggml = load_ggml()
    assert ggml is not None  # who calls a scheme asked is_installed
    return ggml

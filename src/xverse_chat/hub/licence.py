"""The licence of the weights: its name, and the notice that goes with every converted model.

Standard library only.
"""

from dataclasses import dataclass

from xverse_chat.wording import NOTHING, Sentence, say

XVERSE_LICENCE_NAME = "XVERSE Model License Agreement"
_XVERSE_SENTENCE = (
    "XVERSE 大模型以 XVERSE 大模型协议发布， Copyright (c) 深圳元象信息科技有限公司. 保留所有权利."
)


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence's name, the notice written into a model folder, and one sentence for the user."""

    name: str
    notice: str
    summary: Sentence = NOTHING


def xverse_licence(source_id: str, revision: str, converter: str) -> Licence:
    """Return the licence of XVERSE's weights, with the notice that it asks for."""
    return Licence(
        name=XVERSE_LICENCE_NAME,
        summary=say(
            "The weights are under the XVERSE model licence (MODEL_LICENSE.pdf in "
            "github.com/xverse-ai/XVERSE-7B): not for commercial use without the written consent "
            "of XVERSE."
        ),
        notice=(
            f"{_XVERSE_SENTENCE}\n\n"
            f"Source: {source_id} on ModelScope, revision {revision}.\n"
            f"Licence: {XVERSE_LICENCE_NAME} (MODEL_LICENSE.pdf in\n"
            "https://github.com/xverse-ai/XVERSE-7B). The weights may not be used commercially\n"
            "without registration with, and written consent of, the licensor. Whoever passes\n"
            "them on must name their source, carry the agreement, state changes and keep the\n"
            "sentence above.\n\n"
            f"Changes, made by {converter}: the weights were copied, value by value, from\n"
            "pickled .bin files into safetensors files; config.json and generation_config.json\n"
            "were rewritten for the Llama architecture, which the model's is; tokenizer.json\n"
            "was mended so that current libraries read it, with the same token ids; a chat\n"
            "template was added; the model's program files were left out.\n"
        ),
    )

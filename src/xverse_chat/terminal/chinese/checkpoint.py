"""What ``checkpoint`` says, in Chinese. Standard library only."""

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    "config.json describes a model of type {kind!r}; this program runs dense XVERSE models and "
    "plain Llama folders made from them.": "config.json 描述的模型类型是 {kind!r}；本程序只运行"
    "稠密的 XVERSE 模型，以及由其转换而成的普通 Llama 目录。",
    "config.json is refused: hidden_size {hidden} cannot be divided among {heads} heads.": (
        "拒绝使用 config.json：hidden_size {hidden} 无法平分给 {heads} 个注意力头。"
    ),
    "config.json is refused: tie_word_embeddings is {tied!r}.": (
        "拒绝使用 config.json：tie_word_embeddings 的值是 {tied!r}。"
    ),
    "Neither generation_config.json nor config.json has an eos_token_id.": (
        "generation_config.json 和 config.json 里都没有 eos_token_id。"
    ),
    "config.json lacks {key}: the model's shape is not known without it.": (
        "config.json 缺少 {key}，没有它就无法得知模型的结构。"
    ),
    "config.json is refused: {key} is {value!r}, not a whole number from {least} to {most}.": (
        "拒绝使用 config.json：{key} 的值是 {value!r}，应为 {least} 到 {most} 之间的整数。"
    ),
    "config.json is refused: {key} is {value!r}, which is no number.": (
        "拒绝使用 config.json：{key} 的值 {value!r} 不是数字。"
    ),
    "config.json is refused: {key} is {value}, not from {least} to {most}.": (
        "拒绝使用 config.json：{key} 的值是 {value}，应在 {least} 到 {most} 之间。"
    ),
    "The model's files are refused: {key} is {value!r}, which is no token id.": (
        "拒绝使用这个模型的文件：{key} 的值 {value!r} 不是 token id。"
    ),
    "generation_config.json is refused: {key} is {value!r}.": (
        "拒绝使用 generation_config.json：{key} 的值是 {value!r}。"
    ),
    "generation_config.json is refused: {fault}.": "拒绝使用 generation_config.json：{fault}。",
    "config.json is refused: {key} is {value!r}, which no dense XVERSE model has.": (
        "拒绝使用 config.json：{key} 的值是 {value!r}，稠密的 XVERSE 模型都不是这样。"
    ),
    "config.json is refused: rope_parameters is {parameters!r}.": (
        "拒绝使用 config.json：rope_parameters 的值是 {parameters!r}。"
    ),
    "Run xverse-download --verify, which repairs a downloaded model (with --quant, if it was "
    "downloaded with that).": "请运行 xverse-download --verify 修复下载的模型（如果当初下载时用了 "
    "--quant，也要加上）。",
    "{path} is refused: it is larger than {limit} MiB.": "拒绝读取 {path}：它超过了 {limit} MiB。",
    "{path} is damaged: it holds no JSON object.": "{path} 已损坏：里面不是 JSON 对象。",
    "{folder} is no model: it has no {name}.": "{folder} 不是模型：里面没有 {name}。",
    "{path} is damaged: it is not JSON.": "{path} 已损坏：它不是 JSON。",
    "has the type {dtype}": "的类型是 {dtype}",
    "{folder} is refused: its weights are quantized in another way than this program's 4 and 8 "
    "bits.": "拒绝使用 {folder}：其中权重的量化方式与本程序的 4 位和 8 位不同。",
    "is no tensor of this model": "不是这个模型的张量",
    "has the shape {found}, not {wanted}": "的形状是 {found}，应为 {wanted}",
    "Use the folder of the 16-bit weights; --quant 4 or 8 quantizes it while loading.": (
        "请使用 16 位权重的目录；--quant 4 或 8 会在加载时量化。"
    ),
    "{folder} is no model folder: it has no {name}.": "{folder} 不是模型目录：里面没有 {name}。",
    "{path} is damaged: it is not a model folder's record.": (
        "{path} 已损坏：它不是模型目录的记录。"
    ),
    "Run xverse-download --verify, which repairs the folder.": (
        "请运行 xverse-download --verify 修复这个目录。"
    ),
    "{path} is missing.": "缺少 {path}。",
    "{path} is damaged: it is no safetensors file.": "{path} 已损坏：它不是 safetensors 文件。",
    "{folder} holds no weights: neither {index} nor {other} is there.": (
        "{folder} 里没有权重：既没有 {index}，也没有 {other}。"
    ),
    "{name} is damaged: it has no weight_map.": "{name} 已损坏：里面没有 weight_map。",
    "{path} is refused: it holds something other than tensors.": (
        "拒绝使用 {path}：里面有张量以外的东西。"
    ),
    "{name} is refused: {file!r} is no name of a shard.": (
        "拒绝使用 {name}：{file!r} 不是分片的文件名。"
    ),
    "{name} is refused: {file!r} is no {suffix} file.": (
        "拒绝使用 {name}：{file!r} 不是 {suffix} 文件。"
    ),
    "{path} is damaged or no file of weights, and was not loaded.": (
        "{path} 已损坏或不是权重文件，没有加载。"
    ),
    "tokenizer.json is damaged: it holds no vocabulary.": "tokenizer.json 已损坏：里面没有词表。",
    "tokenizer.json is refused: its model is {kind!r}, XVERSE's is BPE.": (
        "拒绝使用 tokenizer.json：它的类型是 {kind!r}，而 XVERSE 的分词器是 BPE。"
    ),
    "tokenizer.json is damaged: it has no token {token_id} for {name}.": (
        "tokenizer.json 已损坏：没有 {name} 对应的 token {token_id}。"
    ),
    "holds a row with {zeros} zeros among {count} values": (
        "有一行的 {count} 个数值中 {zeros} 个是零"
    ),
    "holds nothing but zeros": "的数值全是零",
    "{where} is incomplete: {missing} of {count} tensors are missing, the first is {name}.": (
        "{where} 不完整：{count} 个张量中缺少 {missing} 个，第一个是 {name}。"
    ),
    "holds values that are not finite": "含有无穷大或非数字的数值",
    "{path} is damaged: {name} {fault}.": "{path} 已损坏：{name} {fault}。",
}

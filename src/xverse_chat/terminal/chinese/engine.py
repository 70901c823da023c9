"""What ``engine`` says, in Chinese. Standard library only."""

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    "{path} is damaged: it became shorter.": "{path} 已损坏：它变短了。",
    "Answers will be slower than they could be: {reason}.": ("回答会比应有的速度慢：{reason}。"),
    "Answers will be slower than they could be: {reason}. {hint}": (
        "回答会比应有的速度慢：{reason}。{hint}"
    ),
    "the fast kernels are made for x86 processors only": "快速计算内核只支持 x86 处理器",
    "the fast kernels are not made for a model of this shape": "快速计算内核不支持这种形状的模型",
    "there is no C++ compiler to make the fast kernels with": (
        "没有可用来编译快速计算内核的 C++ 编译器"
    ),
    "Install g++ (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++).": (
        "请安装 g++（Debian、Ubuntu：apt install g++；Fedora：dnf install gcc-c++）。"
    ),
    "Inside WSL, with g++ installed there, they come faster.": (
        "在 WSL 里运行并在其中安装 g++，回答会更快。"
    ),
    "the fast kernels do not compile here: {reason}": "快速计算内核无法在本机编译：{reason}",
    "it ended with {exit_code}": "编译器以 {exit_code} 退出",
    "the C++ compiler {compiler} does not work: {reason}": (
        "C++ 编译器 {compiler} 无法使用：{reason}"
    ),
    "it took more than {limit_s:.0f} s": "用时超过 {limit_s:.0f} 秒",
    "the C++ compiler {compiler} made nothing": "C++ 编译器 {compiler} 什么也没有生成",
    "the compiled kernels do not load: {reason}": "无法加载编译好的计算内核：{reason}",
    "create a program": "创建程序",
    "tell its version": "报告版本",
    "measure the machine code": "给出机器码的大小",
    "read the machine code": "读取机器码",
    "their compiler (NVRTC) could not {work}: {status}": (
        "内核的编译器（NVRTC）无法{work}：{status}"
    ),
    "the kernels do not compile: {reason}": "计算内核无法编译：{reason}",
    "there is no compiler for them (NVRTC): {reason}": "没有内核的编译器（NVRTC）：{reason}",
    "A quantized model that has answered stays where it is: its weights lie there as they are "
    "read fastest.": "回答过的量化模型不能离开所在的设备：它的权重已按读取最快的方式排列。",
    "Load the model again to use it elsewhere.": "要在别处使用，请重新加载模型。",
    "A matrix of {columns} columns is nothing for the {bits}-bit kernel: it must be a multiple of "
    "{step}.": "{bits} 位的计算内核不能处理 {columns} 列的矩阵：列数必须是 {step} 的倍数。",
    "Gate and up of {rows} rows together: it must be a multiple of 16.": (
        "gate 与 up 合计 {rows} 行：必须是 16 的倍数。"
    ),
    "The scales of these weights are too large or too small for the 4-bit kernel: they must lie "
    "between {least:.1e} and {most:.0f}.": "这些权重的缩放系数对 4 位计算内核来说太大或太小："
    "必须在 {least:.1e} 到 {most:.0f} 之间。",
    "no kernels are made for GPUs of compute capability {capability}": (
        "没有针对计算能力 {capability} 的 GPU 的计算内核"
    ),
    "the GPU does not start all blocks of a kernel together (cooperative launch)": (
        "GPU 不能同时启动一个计算内核的所有线程块（cooperative launch）"
    ),
    "the kernels compute in float16 and bfloat16, not {dtype}": (
        "计算内核只支持 float16 和 bfloat16，不支持 {dtype}"
    ),
    "the model lies on several devices": "模型分布在多个设备上",
    "the kernels know neither grouped queries nor other activations than SiLU": (
        "计算内核不支持分组查询注意力，也不支持 SiLU 以外的激活函数"
    ),
    "the kernels are not made for widths of {hidden} and {intermediate}": (
        "计算内核不支持 {hidden} 和 {intermediate} 这样的宽度"
    ),
    "the kernels want lm_head quantized as well, and it is the embedding": (
        "计算内核要求 lm_head 也被量化，而它与词嵌入共用权重"
    ),
    "the kernels know no rotary embedding of type {kind}": (
        "计算内核不支持 {kind} 类型的旋转位置编码"
    ),
    "Beside the weights the GPU has {free} free; a context of {tokens} tokens needs {needed}.": (
        "除权重外，显存还剩 {free}；{tokens} 个 token 的上下文需要 {needed}。"
    ),
    "Close what else uses the GPU, or load the model with --quant 8 or --quant 4.": (
        "请关闭占用显存的其他程序，或者用 --quant 8 或 --quant 4 加载模型。"
    ),
    "the GPU's driver refused the kernels: {reason}": "GPU 驱动拒绝了计算内核：{reason}",
    "{folder} holds weights in {own} bits; --quant {quant} cannot be made of them.": (
        "{folder} 里是 {own} 位的权重，无法由它们得到 --quant {quant}。"
    ),
    "There is no folder {folder}.": "没有 {folder} 这个目录。",
    "{folder} is refused: quantized weights in pickled files are unknown.": (
        "拒绝使用 {folder}：不支持 pickle 文件里的量化权重。"
    ),
    "Leave --quant out, or name the folder of the 16-bit weights.": (
        "请去掉 --quant，或者指定 16 位权重的目录。"
    ),
    "{folder} is damaged: {names} is not what was downloaded.": (
        "{folder} 已损坏：{names} 与下载时不同。"
    ),
    "{folder} is incomplete: {name} is missing.": "{folder} 不完整：缺少 {name}。",
    "{folder} is damaged: config.json and the record tell of different precisions.": (
        "{folder} 已损坏：config.json 与记录中的精度不一致。"
    ),
    "{folder} is damaged: {name} is not among the files of its record.": (
        "{folder} 已损坏：记录里没有 {name} 这个文件。"
    ),
    "{folder} is damaged: {path} has {found} bytes, not {wanted}.": (
        "{folder} 已损坏：{path} 有 {found} 字节，应为 {wanted} 字节。"
    ),
    "This stream was left behind: another chat with the same model has begun.": (
        "这个流已被放弃：同一个模型已经开始了另一次对话。"
    ),
    "The memory ran out in the middle of an answer.": "回答到一半时显存（或内存）用完了。",
    "The GPU failed: {reason}": "GPU 出错：{reason}",
    "The computation failed: {reason}": "计算出错：{reason}",
    "Read a stream to its end, or close it, before the next call of chat().": (
        "在下一次调用 chat() 之前，请先读完或关闭上一个流。"
    ),
    "Start a new conversation with /new, or load the model with --quant 8 or --quant 4, which "
    "leaves more room for long conversations.": "请用 /new 开始新的对话，或者用 --quant 8 或 "
    "--quant 4 加载模型，给长对话留出更多空间。",
    "Start the program anew. If it fails again, see what nvidia-smi shows.": (
        "请重新启动程序。如果再次出错，请查看 nvidia-smi 的输出。"
    ),
    "If it happens again, start the program anew.": "如果再次出现，请重新启动程序。",
    "The model computes nothing of use in {dtype}.": "模型在 {dtype} 下算不出有用的结果。",
    "PyTorch cannot use the GPU: its driver may be older than this build of CUDA.": (
        "PyTorch 无法使用 GPU：驱动可能比这个版本的 CUDA 旧。"
    ),
    "The memory of {device} has room for a context of {tokens} tokens instead of {whole}.": (
        "{device} 的显存（或内存）只够 {tokens} 个 token 的上下文，不到 {whole} 个。"
    ),
    "In float16 some weights overflow: try --dtype bfloat16 or float32. If that does not help, "
    "xverse-download --verify looks for damage.": "在 float16 下有些权重会溢出：请试试 --dtype "
    "bfloat16 或 float32。如果没有用，xverse-download --verify 可以检查文件是否损坏。",
    "See what nvidia-smi shows, or use --device cpu.": (
        "请查看 nvidia-smi 的输出，或者使用 --device cpu。"
    ),
    "The memory of {device} ran out while loading.": "加载时 {device} 的显存（或内存）用完了。",
    "Close what else uses it, or load with --quant 8 or --quant 4.": (
        "请关闭占用它的其他程序，或者用 --quant 8 或 --quant 4 加载。"
    ),
    "It does not fit in 4 bits either. Close what else uses the memory, or use --device cpu.": (
        "4 位也放不下。请关闭占用显存的其他程序，或者使用 --device cpu。"
    ),
    "this machine": "本机",
    "the GPU ({name})": "GPU（{name}）",
    "The model will not fit: in {precision} it needs {needed} with a context of {tokens} tokens, "
    "and {place} has {free} free.": "放不下这个模型：以 {precision} 加载并保留 {tokens} 个 token "
    "的上下文需要 {needed}，而{place}只剩 {free}。",
    "It does not fit in 4 bits either. Close what else uses the memory.": (
        "4 位也放不下。请关闭占用内存的其他程序。"
    ),
    "--device {device} is unknown.": "--device {device} 无法识别。",
    "--device {device} needs CUDA, and the installed PyTorch was built without it.": (
        "--device {device} 需要 CUDA，而安装的 PyTorch 不带 CUDA。"
    ),
    "--device {device} needs an NVIDIA GPU with number {number}, and CUDA finds none.": (
        "--device {device} 需要编号为 {number} 的 NVIDIA GPU，而 CUDA 没有找到。"
    ),
    "With {option} it needs {needed} and fits.": "加上 {option} 只需要 {needed}，可以放下。",
    "It is auto, cpu, cuda or cuda:N (N from 0).": (
        "可用的是 auto、cpu、cuda 或 cuda:N（N 从 0 起）。"
    ),
    "Use --device cpu, or install a CUDA build of torch.": (
        "请使用 --device cpu，或者安装带 CUDA 的 torch。"
    ),
    "A quantized folder is not loaded with {names}.": "加载量化目录时不能使用 {names}。",
    "dtype={dtype!r} is none; it is one such as torch.float16.": (
        "dtype={dtype!r} 不是数据类型，应形如 torch.float16。"
    ),
    "quantize({bits!r}) is impossible: bits are 4 or 8.": (
        "不支持 quantize({bits!r})：位数只能是 4 或 8。"
    ),
    "The model is quantized to {bits} bits already.": "模型已经量化为 {bits} 位。",
    "A quantized folder goes to one device; device_map={device_map!r} is none.": (
        "量化目录只能加载到一个设备上；device_map={device_map!r} 不是设备。"
    ),
    "Load it again to quantize it another way.": "要换一种量化方式，请重新加载。",
    'It is one such as "cuda:0".': '应形如 "cuda:0"。',
    "{name} has {columns} columns: a quantized folder needs a multiple of {step}.": (
        "{name} 有 {columns} 列：量化目录要求列数是 {step} 的倍数。"
    ),
    "A matrix of {columns} columns cannot be quantized to 4 bits: it must be a multiple of "
    "{step}.": "{columns} 列的矩阵无法量化为 4 位：列数必须是 {step} 的倍数。",
    "The model computed values that are not numbers.": "模型算出了不是数字的结果。",
    "{path} does not belong to this model: it has {count} tokens, the model {vocab_size}.": (
        "{path} 不属于这个模型：它有 {count} 个 token，而模型有 {vocab_size} 个。"
    ),
    "The tokenizer makes a control token of plain text, so the message was not sent.": (
        "分词器把普通文字变成了控制 token，因此消息没有发送。"
    ),
    "{path} is damaged: it is no tokenizer.": "{path} 已损坏：它不是分词器。",
    "{path} is damaged: {name} has scales that are not finite.": (
        "{path} 已损坏：{name} 的缩放系数含有无穷大或非数字。"
    ),
    "is in {file} too": "在 {file} 里也有",
}

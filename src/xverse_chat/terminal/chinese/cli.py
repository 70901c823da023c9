"""What the command line says, its options' help included, in Chinese. Standard library only."""

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    "Usage: xverse-chat [OPTIONS]": "用法：xverse-chat [选项]",
    "Talk to XVERSE-7B-Chat in a terminal.": "在终端里与 XVERSE-7B-Chat 对话。",
    "Without options: a conversation. With -p, --messages or piped text: one answer on stdout.": (
        "不带选项时开始对话；带 -p、--messages 或有管道输入时，只在标准输出给出一个回答。"
    ),
    "Usage: xverse-download [OPTIONS] [ID]": "用法：xverse-download [选项] [ID]",
    "Download an XVERSE chat model, verify it and convert it into a model folder.": (
        "下载 XVERSE 对话模型，校验并转换成模型目录。"
    ),
    "Run again after an interruption: it goes on where it stopped. Prints the folder's path.": (
        "中断后再运行一次，会从中断处继续。最后输出模型目录的路径。"
    ),
    "Model": "模型",
    "Answer": "回答",
    "Scripts": "脚本",
    "Screen": "界面",
    "Settings and help": "设置与帮助",
    "Model to talk to: an id such as {model} (the default), a folder, or demo.": (
        "要对话的模型：模型 id（默认是 {model}）、目录，或者 demo。"
    ),
    "Talk to the small demo model that is part of this program.": (
        "与本程序自带的小型演示模型对话。"
    ),
    "Use weights of 4 or 8 bits: those that xverse-download --quant made, else the 16-bit ones, "
    "quantized while loading.": "使用 4 位或 8 位的权重：优先用 xverse-download --quant 做好的，"
    "否则在加载 16 位权重时量化。",
    "Folder for models. Default: /root/autodl-tmp where that exists, else the user's cache "
    "folder.": "存放模型的目录。默认：有 /root/autodl-tmp 时用它，否则用用户的缓存目录。",
    "Where to compute. Default: auto.": "在哪里计算。默认：auto。",
    "Precision to compute in. Default: float16 on a GPU, float32 on a CPU.": (
        "计算精度。默认：GPU 上为 float16，CPU 上为 float32。"
    ),
    "Text put before the conversation.": "系统提示：放在对话之前的文字。",
    "Above 0; lower is more predictable.": "采样温度，大于 0；越低越稳定。",
    "Choose among the likeliest tokens that sum to this.": (
        "只在概率之和达到这个值的最可能的 token 中选择。"
    ),
    "Choose among this many likeliest tokens; 0: all.": (
        "只在这么多个最可能的 token 中选择；0 表示全部。"
    ),
    "Above 1 avoids words already said.": "重复惩罚，大于 1 时避免重复说过的词。",
    "Longest answer, in tokens.": "回答的最大长度，以 token 计。",
    "Same seed, same answer.": "随机种子：种子相同，回答相同。",
    "Always take the likeliest token.": "每次都取最可能的 token。",
    "Answer this once, on stdout, and leave. Text piped in goes before it.": (
        "在标准输出回答一次就退出。管道输入的文字放在它前面。"
    ),
    "Put a text file before the question; again for more files. - is what is piped in.": (
        "把文本文件放在问题前面；可以多次使用。- 表示管道输入。"
    ),
    'Answer a conversation, JSON: [{"role": "user", "content": "…"}]. - is what is piped in.': (
        '回答一整段对话，JSON 格式：[{"role": "user", "content": "…"}]。- 表示管道输入。'
    ),
    "Write the answer, or what went wrong, as one JSON object.": (
        "把回答（或出错信息）写成一个 JSON 对象。"
    ),
    "Write the folder, or what went wrong, as one JSON object.": (
        "把模型目录（或出错信息）写成一个 JSON 对象。"
    ),
    "Language of the interface. Default: the locale's.": "界面语言。默认：跟随系统语言环境。",
    "No colour, no redrawing.": "不用颜色，不重绘。",
    "For screen readers: whole paragraphs, forms told in words, nothing redrawn. ACCESSIBLE=1 "
    "does the same.": "适合屏幕阅读器：整段输出，用文字说明格式，不重绘。ACCESSIBLE=1 效果相同。",
    "Read settings from this file instead of the user's own.": (
        "从这个文件读取设置，而不是用户自己的配置文件。"
    ),
    "Show every setting and where it comes from, and leave.": "显示每项设置及其来源，然后退出。",
    "Print what makes this shell complete the options, and leave.": (
        "输出让这种 shell 补全选项的脚本，然后退出。"
    ),
    "Have this shell complete the options from now on, and leave.": (
        "让这种 shell 从此补全选项，然后退出。"
    ),
    "Show the version and leave.": "显示版本，然后退出。",
    "Show this page and leave.": "显示本页，然后退出。",
    "Model on ModelScope, OWNER/NAME. Default: {model}.": (
        "ModelScope 上的模型，形式为 OWNER/NAME。默认：{model}。"
    ),
    "Branch, tag or commit of the model. Default: {revision}.": (
        "模型的分支、标签或提交。默认：{revision}。"
    ),
    "Make a folder of 4- or 8-bit weights. The 16-bit weights are downloaded for it and then "
    "deleted, unless they were there before.": "生成 4 位或 8 位权重的目录。为此会下载 16 位权重，"
    "完成后删除，除非它们原来就在。",
    "Hash every file again and repair what is damaged.": "重新校验每个文件，修复损坏的部分。",
    "Keep the downloaded .bin files after conversion, with --quant the 16-bit weights too.": (
        "转换后保留下载的 .bin 文件；与 --quant 一起使用时也保留 16 位权重。"
    ),
    "Another ModelScope server than modelscope.cn.": (
        "使用 modelscope.cn 以外的 ModelScope 服务器。"
    ),
    "must be a number, not {value!r}": "必须是数字，不能是 {value!r}",
    "must be a whole number, not {value!r}": "必须是整数，不能是 {value!r}",
    "must be one of {choices}, not {value!r}": "必须是 {choices} 之一，不能是 {value!r}",
    "must be true or false": "必须是 true 或 false",
    "must be a number": "必须是数字",
    "must be a whole number": "必须是整数",
    'must be text in quotes, as in "…"': '必须是用引号括起来的文字，如 "…"',
    "must be a whole path, from / or ~ on": "必须是从 / 或 ~ 开始的完整路径",
    "{where} {fault}.": "{where} {fault}。",
    "See {program} --help.": "请看 {program} --help。",
    "See xverse-chat --help.": "请看 xverse-chat --help。",
    "There is no option {word}.": "没有 {word} 这个选项。",
    "Did you mean {word}?": "你是想用 {word} 吗？",
    "Did you mean {word}? {more}": "你是想用 {word} 吗？{more}",
    "{word} wants something after it: {metavar}.": "{word} 后面要有内容：{metavar}。",
    "{word} takes nothing after it.": "{word} 后面不需要其他内容。",
    "Nothing can be done with {words!r}.": "不知道该怎么处理 {words!r}。",
    'A question goes after -p, in quotes: xverse-chat -p "…"': (
        '问题要放在 -p 后面，并加上引号：xverse-chat -p "…"'
    ),
    "One model is downloaded at a time: OWNER/NAME.": "一次只能下载一个模型：OWNER/NAME。",
    "the default": "默认值",
    "default": "默认",
    "{name} sets nothing.": "{name} 不设置任何内容。",
    "{name} sets nothing. Did you mean {word}?": "{name} 不设置任何内容。你是想用 {word} 吗？",
    "{path}, line {line}": "{path} 第 {line} 行",
    "{key} ({place})": "{place}的 {key}",
    "{where} is no setting.": "{where} 不是设置项。",
    "xverse-chat --show-config lists the settings.": "xverse-chat --show-config 会列出所有设置项。",
    "{variable} is {path!r}, which is another file in every folder.": (
        "{variable} 的值是 {path!r}，它在每个目录里都是不同的文件。"
    ),
    "Give the whole path, from / or ~ on.": "请给出从 / 或 ~ 开始的完整路径。",
    "{path} is no configuration file: it is too large.": "{path} 不是配置文件：它太大了。",
    "{path} is not TOML: {fault}.": "{path} 不是 TOML：{fault}。",
    "{path} is not TOML: {fault} in line {line}, column {column}.": (
        "{path} 不是 TOML：第 {line} 行第 {column} 列，{fault}。"
    ),
    'A setting looks like this: temperature = 0.7, or this: model = "demo".': (
        '设置的写法是：temperature = 0.7，或者：model = "demo"。'
    ),
    "The configuration file is {path}.": "配置文件是 {path}。",
    "The configuration file would be {path}; there is none.": (
        "配置文件的位置是 {path}；目前还没有。"
    ),
    "Impossible option: {fault}.": "选项有误：{fault}。",
    "It comes from {where}.": "它来自 {where}。",
    "Written: {path}": "已写入：{path}",
    "Open a new terminal to use it.": "打开新的终端后生效。",
    "--show-completion prints what would stand there.": (
        "--show-completion 可以输出本应写入的内容。"
    ),
    "-p and --messages both say what to answer.": "-p 和 --messages 都指定了要回答的内容。",
    "Leave one out.": "请去掉其中一个。",
    "Leave one of them out.": "请去掉其中一个。",
    "What is piped in can be read once, and - names it more than once.": (
        "管道输入只能读取一次，而 - 出现了不止一次。"
    ),
    "- stands for what is piped in, and nothing is: stdin is a terminal.": (
        "- 表示管道输入，但标准输入是终端，没有管道。"
    ),
    "There is nothing to answer: the prompt is empty.": "没有可以回答的内容：问题是空的。",
    "Put the question after -p, or pipe it in.": "请把问题放在 -p 后面，或者通过管道输入。",
    "More than {limit} MiB came in on stdin.": "标准输入的内容超过了 {limit} MiB。",
    "The output could not be written: {reason}.": "无法写出结果：{reason}。",
    "{path}: {reason}.": "{path}：{reason}。",
    "There is nowhere to write to: stdout is closed.": "无处写出结果：标准输出已关闭。",
    "--demo and --model {model} name two different models.": (
        "--demo 和 --model {model} 指定了两个不同的模型。"
    ),
    "{bits} and {more}": "{bits} 位和 {more}",
    "The model {model_id} is on this machine in {there} bits, and not in {wanted}: there is no "
    "{folder}.": "本机有 {there} 位的模型 {model_id}，但没有 {wanted} 位的：{folder} 不存在。",
    "Use --quant {bits}, or run `{command}` once.": (
        "请使用 --quant {bits}，或者先运行一次 `{command}`。"
    ),
    "The model {model_id} is not on this machine: there is no {folder}.": (
        "本机没有模型 {model_id}：{folder} 不存在。"
    ),
    "Run `{command}` once, or talk to the small demo model with `xverse-chat --demo`.": (
        "请先运行一次 `{command}`，或者用 `xverse-chat --demo` 与小型演示模型对话。"
    ),
    "{path} is a file; --model wants a folder, or an id such as {default}.": (
        "{path} 是文件；--model 后面应是目录，或者形如 {default} 的模型 id。"
    ),
    "There is no folder {name}, and it is no model id of the form OWNER/NAME either.": (
        "没有 {name} 这个目录，它也不是 OWNER/NAME 形式的模型 id。"
    ),
    "The default model is {default}; `--model demo` is the small demo.": (
        "默认的模型是 {default}；`--model demo` 是小型演示模型。"
    ),
    "Earlier conversations": "以前的对话",
    "Go on with the conversation talked in last.": "继续上一次的对话。",
    "Go on with the conversation of this name, or begin it.": "继续这个名字的对话；没有就新建。",
    "Remember what is typed for the next time. Default: it is, unless --no-save.": (
        "记住输入过的内容，下次可用。默认记住，除非用 --no-save。"
    ),
    "Show what each answer took, below it. Default: it is shown.": (
        "在每个回答下面显示用量。默认显示。"
    ),
    "Save conversations on this machine. Default: they are saved.": (
        "把对话保存在本机。默认保存。"
    ),
    "--continue and --session both say which conversation to go on with.": (
        "--continue 和 --session 都指定了要继续的对话。"
    ),
    "--session needs the name of a conversation.": "--session 后面需要对话的名字。",
    "--messages is a whole conversation: there is no other one to go on with.": (
        "--messages 本身就是一整段对话，不能再继续另一段。"
    ),
    "Leave out --continue or --session, or ask with -p.": (
        "请去掉 --continue 或 --session，或者用 -p 提问。"
    ),
    "Interrupted. What arrived is kept: run the same command again to go on.": (
        "已中断。已下载的部分会保留，再运行同一条命令即可继续。"
    ),
}

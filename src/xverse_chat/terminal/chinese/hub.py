"""What ``hub`` says, in Chinese. Standard library only."""

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    "{target} exists and is no model folder of this program.": (
        "{target} 已经存在，而且不是本程序的模型目录。"
    ),
    "Move it away, or choose another folder with --cache-dir.": (
        "请把它移走，或者用 --cache-dir 换一个目录。"
    ),
    "{name} and the list of files do not agree about {names}.": (
        "{name} 与文件列表关于 {names} 的内容不一致。"
    ),
    "tokenizer.json is refused: it has ids beyond the model's {vocab_size} tokens.": (
        "拒绝使用 tokenizer.json：其中有超出模型 {vocab_size} 个 token 的 id。"
    ),
    "{file} is refused: {name!r} is no tensor of this model.": (
        "拒绝使用 {file}：{name!r} 不是这个模型的张量。"
    ),
    "tokenizer.json is damaged: its added_tokens are none.": (
        "tokenizer.json 已损坏：其中的 added_tokens 无效。"
    ),
    "The file is as the server lists it, so downloading it again will not help. Try another "
    "--revision or --endpoint.": "文件与服务器列出的一致，重新下载没有用。请换一个 --revision 或 "
    "--endpoint 试试。",
    "The original files are not here: this model was converted without them.": (
        "这里没有原始文件：这个模型转换时没有保留它们。"
    ),
    "The original files are kept in {kept}.": "原始文件保留在 {kept}。",
    "The 16-bit weights come first and are quantized here; they are kept.": (
        "先下载 16 位权重，在本机量化；16 位权重会保留。"
    ),
    "The 16-bit weights come first and are quantized here; then they are deleted.": (
        "先下载 16 位权重，在本机量化，然后删除它们。"
    ),
    "{damaged} of {count} files are damaged or gone: {names}.": (
        "{count} 个文件中有 {damaged} 个损坏或丢失：{names}。"
    ),
    "The disk of {folder} is full: {size} are still to come.": (
        "{folder} 所在的磁盘已满：还有 {size} 没有下载。"
    ),
    "The disk of {folder} failed while a file was written.": (
        "写入文件时，{folder} 所在的磁盘出错。"
    ),
    "Make room, then run the same command again: it goes on where it stopped.": (
        "请腾出空间，再运行同一条命令，会从中断处继续。"
    ),
    "The transfer of {names} broke off.": "{names} 的传输中断了。",
    "The download broke off.": "下载中断了。",
    "What arrived is kept. Run the same command again to go on where it stopped.": (
        "已下载的部分会保留。再运行同一条命令，会从中断处继续。"
    ),
    "{path} is not the file that the server lists: size or sha256 differ. It was removed.": (
        "{path} 与服务器列出的文件不符：大小或 sha256 不同，已将它删除。"
    ),
    "The server lists {path} and does not have it.": "服务器列出了 {path}，却没有这个文件。",
    "The server does not give {path} to everyone.": "服务器不公开提供 {path}。",
    "Run the same command again; if it fails again, the server's copy is wrong.": (
        "请再运行同一条命令；如果再次失败，就是服务器上的文件有误。"
    ),
    "Try again later, or another server with --endpoint.": (
        "请稍后再试，或者用 --endpoint 换一个服务器。"
    ),
    "Set MODELSCOPE_API_TOKEN to a token that has access to it.": (
        "请把 MODELSCOPE_API_TOKEN 设为有权访问它的令牌。"
    ),
    "The model is incomplete: {name} is in none of its shards.": (
        "模型不完整：所有分片里都没有 {name}。"
    ),
    "{name} is in two shards.": "{name} 出现在两个分片里。",
    "The server cannot be asked; the files in {folder}, downloaded earlier, are used without "
    "comparing them with its list.": "无法询问服务器；将使用以前下载到 {folder} 的文件，"
    "没有与服务器的列表核对。",
    "The server cannot be asked; going on with what is here already.": (
        "无法询问服务器；用本机已有的文件继续。"
    ),
    "{count} files were downloaded earlier and are used as they lie in {folders}.": (
        "有 {count} 个文件以前已经下载到 {folders}，将直接使用。"
    ),
    "The server tells no sha256 of {names}: only the size could be compared.": (
        "服务器没有给出 {names} 的 sha256：只能核对大小。"
    ),
    "{names} differs from the server's list and was removed.": (
        "{names} 与服务器的列表不符，已删除。"
    ),
    "Run the same command again.": "请再运行同一条命令。",
    "The weights are under the XVERSE model licence (MODEL_LICENSE.pdf in "
    "github.com/xverse-ai/XVERSE-7B): not for commercial use without the written consent of "
    "XVERSE.": "权重以《XVERSE 大模型协议》发布（见 github.com/xverse-ai/XVERSE-7B 的 "
    "MODEL_LICENSE.pdf）：未经元象书面同意，不得用于商业用途。",
    "is no path": "不是路径",
    "is absolute": "是绝对路径",
    "leads elsewhere": "指向别处",
    "holds a forbidden character": "含有不允许的字符",
    "The server's list of files is refused: {path!r} {fault}.": (
        "拒绝接受服务器的文件列表：{path!r} {fault}。"
    ),
    "{model_id} is no model that this program can use: it lacks {names}.": (
        "本程序无法使用 {model_id} 这个模型：它缺少 {names}。"
    ),
    "Nothing was downloaded. Check the model id and --endpoint.": (
        "什么也没有下载。请检查模型 id 和 --endpoint。"
    ),
    "is listed twice": "被列出了两次",
    "has an impossible size of {size} bytes": "的大小是 {size} 字节，不可能是真的",
    "has a sha256 that is none": "的 sha256 无效",
    "Another process is downloading or converting {name}; waiting until it is done.": (
        "另一个进程正在下载或转换 {name}，等它完成。"
    ),
    "This file system has no locks: do not start a second download here.": (
        "这个文件系统不支持文件锁：请不要在这里同时启动第二个下载。"
    ),
    "{names} and {count} more": "{names} 等（另有 {count} 个）",
    "{name!r} is no revision.": "{name!r} 不是版本。",
    "Name a branch, tag or commit.": "请指定分支、标签或提交。",
    "Check the network, or name another server with --endpoint.": (
        "请检查网络，或者用 --endpoint 指定其他服务器。"
    ),
    "A proxy is set in this environment; if it does not serve ModelScope, try again after: "
    "export no_proxy=modelscope.cn,aliyuncs.com": "当前环境设置了代理；如果它不能访问 ModelScope，"
    "请先执行下面的命令再试：export no_proxy=modelscope.cn,aliyuncs.com",
    "{endpoint!r} is no address of a server.": "{endpoint!r} 不是服务器地址。",
    "It must look like https://modelscope.cn.": "它应当形如 https://modelscope.cn。",
    "{server} has no model {model_id} with a revision {revision}.": (
        "{server} 上没有模型 {model_id} 的版本 {revision}。"
    ),
    "{server} does not give {model_id} to everyone.": "{server} 不公开提供 {model_id}。",
    "{server} answered with an error (HTTP {status_code}).": (
        "{server} 返回了错误（HTTP {status_code}）。"
    ),
    "{server} does not answer as a ModelScope server does.": (
        "{server} 的回应不像 ModelScope 服务器。"
    ),
    "{server} cannot be reached.": "无法连接 {server}。",
    "Check the id (OWNER/NAME) and --revision.": "请检查模型 id（OWNER/NAME）和 --revision。",
    "{file} is incomplete: it lacks {name}, which the index promises.": (
        "{file} 不完整：缺少索引里列出的 {name}。"
    ),
    "{file} is refused: it holds {name!r}, which no index names.": (
        "拒绝使用 {file}：里面有索引没有列出的 {name!r}。"
    ),
    "{target} could not be written.": "无法写入 {target}。",
    "{file} is refused: {name} is no plain tensor.": "拒绝使用 {file}：{name} 不是普通的张量。",
    "Too little room on the disk of {folder}: what is to be made there needs {needed}, and {free} "
    "are free.": "{folder} 所在的磁盘空间不足：需要 {needed}，只剩 {free}。",
    "Make room, or choose another disk with --cache-dir.": (
        "请腾出空间，或者用 --cache-dir 换一个磁盘。"
    ),
    "{path} cannot be created: {reason}.": "无法创建 {path}：{reason}。",
    "The disk is full: {path} could not be written.": "磁盘已满：无法写入 {path}。",
    "The disk failed while {path} was written: {reason}.": "写入 {path} 时磁盘出错：{reason}。",
    "Choose a folder that you may write to with --cache-dir.": (
        "请用 --cache-dir 换一个有写入权限的目录。"
    ),
    "Make room, or choose another disk with --cache-dir; then run the same command again. What is "
    "there already is kept.": "请腾出空间，或者用 --cache-dir 换一个磁盘，然后再运行同一条命令。"
    "已有的部分会保留。",
}

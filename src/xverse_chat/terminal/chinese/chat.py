"""What ``chat`` and ``config`` say, in Chinese. Standard library only."""

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    "the list": "列表",
    "{path} is larger than {limit} MiB, too large for a conversation.": (
        "{path} 超过了 {limit} MiB，作为一段对话太大了。"
    ),
    "{source} holds no list of messages.": "{source} 里没有消息列表。",
    '{where} is not an object with "role" and "content".': (
        '{where}不是带有 "role" 和 "content" 的对象。'
    ),
    "{where} has the role {role!r}; known are {known}.": (
        "{where}的角色是 {role!r}，只能是 {known}。"
    ),
    '{where} has no text: "content" must be a string that is not empty.': (
        '{where}没有文字："content" 必须是非空的字符串。'
    ),
    "There is no file {path}.": "没有 {path} 这个文件。",
    "{path} cannot be read: {reason}.": "无法读取 {path}：{reason}。",
    "{source} is not UTF-8 text: byte {position} is wrong.": (
        "{source} 不是 UTF-8 文本：第 {position} 个字节有误。"
    ),
    "{source} is not JSON: {fault} in line {line}, column {column}.": (
        "{source} 不是 JSON：第 {line} 行第 {column} 列，{fault}。"
    ),
    "{source} is not a JSON list of messages.": "{source} 不是 JSON 格式的消息列表。",
    'It must look like [{"role": "user", "content": "你好"}].': (
        '它应当形如 [{"role": "user", "content": "你好"}]。'
    ),
    "--messages wants a JSON file of messages.": "--messages 后面应是一个 JSON 格式的消息文件。",
    "Save it as UTF-8.": "请把它另存为 UTF-8。",
    "Message {number} of {source}": "{source} 的第 {number} 条消息",
    "The memory of this machine is full.": "本机内存已满。",
    "Something failed that should not be able to: {said}.": "出现了不应出现的错误：{said}。",
    "This is a defect of xverse-chat. Please report it with this message.": (
        "这是 xverse-chat 的缺陷，请附上这段文字报告给我们。"
    ),
    "The last message must be the user's, so that there is something to answer; here its role is "
    "{role}.": "最后一条消息必须来自用户，才有可以回答的内容；这里它的角色是 {role}。",
    "There is no message to answer: the list is empty.": "没有可以回答的消息：列表是空的。",
    "End the list with a message whose role is user.": "请让列表以角色为 user 的消息结尾。",
    "Message {position} is a system message; only the first can be one.": (
        "第 {position} 条消息是系统消息，而只有第一条可以是。"
    ),
    "Move the system text to the front, or leave it out.": "请把系统提示移到最前面，或者去掉它。",
    "{path} is a folder, and what is wanted is a text file.": "{path} 是目录，这里需要文本文件。",
    "Name its files one by one.": "请逐个指定里面的文件。",
    "{name} is larger than {limit} MiB": "{name} 超过了 {limit} MiB",
    "The {count} files have {size} MiB together": "这 {count} 个文件共有 {size} MiB",
    "{fault}; the files in a message may have {limit} MiB at most, which is far more than a model "
    "can read at once.": "{fault}；一条消息附带的文件最多 {limit} MiB，"
    "这已远远超过模型一次能读的量。",
    "Choose the part that matters.": "请只选取需要的部分。",
    "{name} is no text file: it is neither UTF-8 nor GB18030.": (
        "{name} 不是文本文件：它既不是 UTF-8，也不是 GB18030（GBK）。"
    ),
    "Save it as UTF-8 text.": "请把它另存为 UTF-8 文本。",
    "{name} was read as {encoding}.": "{name} 是按 {encoding} 编码读取的。",
    "{model_id!r} is no model id: it must have the form OWNER/NAME.": (
        "{model_id!r} 不是模型 id：它的形式应为 OWNER/NAME。"
    ),
    "The default is {default}.": "默认的是 {default}。",
    "temperature must be above 0 and at most 100, not {value}; for the most likely token each time "
    "use greedy decoding": "temperature 必须大于 0 且不超过 100，不能是 {value}；"
    "要每次都取最可能的 token，请用 --greedy",
    "top-p must be above 0 and at most 1, not {value}": (
        "top-p 必须大于 0 且不超过 1，不能是 {value}"
    ),
    "top-k must be 0 (off) or more, not {value}": "top-k 必须是 0（关闭）或更大，不能是 {value}",
    "repetition-penalty must be above 0 and at most 10 (1 is off), not {value}": (
        "repetition-penalty 必须大于 0 且不超过 10（1 表示关闭），不能是 {value}"
    ),
    "max-new-tokens must be 1 or more, not {value}": "max-new-tokens 至少是 1，不能是 {value}",
    "seed must be from 0 to 2^63 - 1, not {value}": (
        "seed 必须在 0 到 2^63 - 1 之间，不能是 {value}"
    ),
}

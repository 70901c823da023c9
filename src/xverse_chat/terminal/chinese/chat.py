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
    "Send less text at once.": "请把文字分几次发送。",
    " and the system text {tokens}": "，系统提示有 {tokens} 个",
    "Send less text at once, or lower --max-new-tokens (now {tokens}).": (
        "请把文字分几次发送，或者调低 --max-new-tokens（现在是 {tokens}）。"
    ),
    "The message has {message_tokens} tokens{system}; of the model's context of {context_tokens} "
    "tokens {budget} are left for them beside the answer.": "这条消息有 {message_tokens} 个 "
    "token{system}；模型的上下文是 {context_tokens} 个 token，除去回答后只剩 {budget} 个。",
    "With this message the conversation has {needed} tokens; of the model's context of {context} "
    "tokens {budget} are left for it beside the answer.": "加上这条消息，对话共有 {needed} 个 "
    "token；模型的上下文是 {context} 个 token，除去回答后只剩 {budget} 个。",
    "Nothing was sent. /context drop or /context summarise makes room, /new begins a new "
    "conversation.": "没有发送。/context drop 或 /context summarise 可以腾出位置，"
    "/new 开始新的对话。",
    "{path} is a folder.": "{path} 是目录。",
    "Name a file inside it.": "请指定其中的一个文件。",
    "{path} cannot be written: {reason}.": "无法写入 {path}：{reason}。",
    "There is a file {path} already; it was left as it is.": "已有 {path} 这个文件，没有改动它。",
    "There are {count} questions to take back, not {rounds}.": (
        "只有 {count} 个问题可以撤回，没有 {rounds} 个。"
    ),
    "There is no question {number}; there are {count}.": (
        "没有第 {number} 个问题；一共有 {count} 个。"
    ),
    "There is no answer {number}; there are {count}.": (
        "没有第 {number} 个回答；一共有 {count} 个。"
    ),
    "it lets a question go on as if it were an answer": "其中把问题当作回答续写",
    "it speaks of message {number} where there are {count}": (
        "其中提到第 {number} 条消息，而那时只有 {count} 条"
    ),
    "it is no conversation of xverse-chat": "它不是 xverse-chat 的对话",
    "it has version {version!r} of the format, and this program knows version {known}": (
        "它的格式版本是 {version!r}，而这个程序只认识版本 {known}"
    ),
    "A newer version of xverse-chat wrote it: use that one. Nothing was changed.": (
        "它由更新版本的 xverse-chat 写成，请使用那个版本。没有做任何改动。"
    ),
    "its first line is damaged": "第一行已损坏",
    "line {number} is damaged": "第 {number} 行已损坏",
    "line {number}: {fault}": "第 {number} 行，{fault}",
    "it holds an event of the kind {kind!r}, which this version does not know": (
        "其中有一种这个版本不认识的记录：{kind!r}"
    ),
    "it holds a line that is no event": "其中有一行不是记录",
    "the {key!r} of an event is no number of a message": "记录中的 {key!r} 不是消息的编号",
    "the {key!r} of an event is no text": "记录中的 {key!r} 不是文字",
    "the {key!r} of an event is none of {choices}": ("记录中的 {key!r} 不是下列之一：{choices}"),
    "{count} conversations begin with {wanted!r}: {some}.": (
        "有 {count} 段对话以 {wanted!r} 开头：{some}。"
    ),
    "Type more of the name.": "请多输入几个字。",
    "{identity!r} is not the name of a file of a conversation.": (
        "{identity!r} 不是对话文件的名字。"
    ),
    "it is no plain file": "它不是普通文件",
    "It was left as it is.": "文件保持原样。",
    "It was left as it is. xverse-chat without --continue begins anew.": (
        "文件保持原样。不带 --continue 启动 xverse-chat 会开始新的对话。"
    ),
    "The message leaves no room for a summary: with it {kept} of {budget} tokens are taken, and a "
    "summary needs {tokens}.": "这条消息没有给摘要留下位置：加上它已占用 {budget} 个 token 中的 "
    "{kept} 个，而摘要需要 {tokens} 个。",
    "Send less text at once, or type /context drop to leave the rounds out.": (
        "请把文字分几次发送，或者输入 /context drop 略去那几轮。"
    ),
    "The model wrote no summary.": "模型没有写出摘要。",
    "Type /context drop to leave the rounds out.": "可以输入 /context drop 略去那几轮。",
    "The rounds have too many messages to sum them up in {room} tokens.": (
        "那几轮的消息太多，无法在 {room} 个 token 之内写成摘要。"
    ),
    "No conversations are kept here.": "这里不保存对话。",
    "This conversation is open already.": "这段对话已经打开。",
    "A name has one line of up to {columns} columns, and at least a letter.": (
        "名字是一行文字，最多 {columns} 列，至少一个字。"
    ),
    "There is another conversation {name!r} ({identity}).": (
        "已有另一段名为 {name!r} 的对话（{identity}）。"
    ),
    "Choose another name.": "请换一个名字。",
    "What to find must have from 1 to {limit} characters.": "要查找的内容须有 1 到 {limit} 个字。",
    "Nothing was asked yet that could be answered again.": "还没有可以重新回答的问题。",
    "The last answer was said to its end.": "上一个回答已经说完。",
    "Only an answer that was interrupted or cut off can go on.": (
        "只有被打断或被截断的回答才能继续。"
    ),
}

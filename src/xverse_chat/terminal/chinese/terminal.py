"""What commands and the line editor say, in Chinese. Standard library only."""

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    # The table of commands
    "[NUMBER]": "[编号]",
    "[COUNT]": "[数量]",
    "[NAME]": "[名称]",
    "NAME": "名称",
    "TEXT": "文字",
    "[TEXT]": "[文字]",
    "FILE": "文件",
    "[KEY VALUE]": "[设置 值]",
    "[POLICY]": "[做法]",
    "[COMMAND]": "[命令]",
    "LANGUAGE": "语言",
    "start a new conversation; the system text stays": "开始新的对话；系统提示保留",
    "give the conversation a name (it is saved in any case)": ("给对话起个名字；不起名也会保存"),
    "open another conversation, by its number or name": "按编号或名称打开另一段对话",
    "list the saved conversations": "列出保存的对话",
    "look for a text in all conversations": "在所有保存的对话里查找文字",
    "answer anew, or return to an earlier answer": ("重新回答，或回到之前的某个回答"),
    "go on with an answer that was broken off": "接着说没有说完的回答",
    "change the last question or another, go on from there": ("修改上一个或另一个问题，从那里继续"),
    "take back the last round of question and answer, or more": ("撤回最后一轮或几轮问答"),
    "bring back what /undo took back": "恢复 /undo 撤回的内容",
    "put a text file into the next message": "把文本文件放进下一条消息",
    "copy the last answer, or one of its code blocks": ("复制上一个回答，或其中一个代码块"),
    "write the conversation into a file: .md, .json or .html": (
        "把对话写入 .md、.json 或 .html 文件"
    ),
    "Say which file; it ends in {suffixes}.": "请说明文件名，以 {suffixes} 之一结尾。",
    "The conversation is in {path}.": "对话已写入 {path}。",
    "show the settings of answers, or change one": "查看或修改回答的设置",
    "context used; when full: drop, summarise or refuse": (
        "上下文用量；满了时 drop、summarise 或 refuse"
    ),
    "show or set the system text; - removes it": ("查看或设置系统提示；- 表示去掉"),
    "what the last answer took": "上一个回答的用量和用时",
    "the model, its precision, device, memory, folder": ("模型、精度、设备、内存、文件夹"),
    "list the commands, or explain one; /help keys: the keys": (
        "列出命令，或说明其中一个；/help keys 列出按键"
    ),
    "speak Chinese or English from now on": "切换界面语言：中文或英文",
    "leave; so do exit, quit, /quit and /bye": "退出；exit、quit、/quit、/bye 也可以",
    "There is no command {name}.": "没有 {name} 这个命令。",
    "/help lists the commands.": "/help 列出所有命令。",
    "What is wanted is a number, counted from 1, not {word!r}.": (
        "这里需要一个从 1 数起的编号，而不是 {word!r}。"
    ),
    # Another way through the conversation
    "Answer {chosen} of {count}. /retry NUMBER goes to another, /retry answers anew.": (
        "第 {chosen} 个回答，共 {count} 个。/retry 编号 换一个，/retry 再答一次。"
    ),
    "Nothing was asked yet that could be changed.": "还没有提过问题，没有可以修改的。",
    "Question {number} is in the line. Sent, it takes the place of the old one, and what came "
    "after that is put aside. Ctrl-C leaves everything as it is.": (
        "第 {number} 个问题在输入行里，发送后取代原来的，之后的放到一边；Ctrl-C 一切照旧。"
    ),
    "Taken back, from “{question}” on. /redo brings it back.": (
        "已撤回“{question}”及之后的内容。/redo 可以恢复。"
    ),
    "There is nothing to bring back.": "没有可以恢复的内容。",
    # Conversations that are kept
    "This conversation is not saved, because of --no-save.": "因为 --no-save，这段对话不保存。",
    "/export FILE.json writes it into a file.": "/export 文件.json 可以把它写入文件。",
    "It is saved as soon as something is said.": "等说了第一句话就会保存。",
    "Saved as “{title}”. /load opens it again.": "已保存为“{title}”。用 /load 可以再打开。",
    "Say which: its number in /sessions, or how its title begins.": (
        "请说明是哪一段：它在 /sessions 里的编号，或标题的开头。"
    ),
    "There is no conversation {name!r}.": "没有 {name!r} 这段对话。",
    "/sessions lists them, /find looks into them.": "/sessions 列出对话，/find 在其中查找。",
    "There are no saved conversations yet.": "还没有保存的对话。",
    "Conversations, the one talked in last first": "保存的对话，最近聊过的在前",
    "{count} older ones are left out: /sessions {total} lists all, /find looks into them.": (
        "另有 {count} 段较早的没有列出；/sessions {total} 全部列出，/find 在其中查找。"
    ),
    "/load and a number opens one.": "用 /load 加编号打开。",
    "(no title)": "（无标题）",
    "1 question": "1 个问题",
    "{count} questions": "{count} 个问题",
    "open now": "当前",
    "Say what to look for.": "请说明要找什么。",
    "“{wanted}” is in no saved conversation.": "保存的对话里没有“{wanted}”。",
    "There is more. A longer text finds less.": "还有更多；输入更长的文字可以缩小范围。",
    "{count} conversations could not be looked into: they are damaged.": (
        "有 {count} 段对话已损坏，无法查找。"
    ),
    # Files and clipboard
    "Say which file.": "请说明是哪个文件。",
    "There is no code block {number} in the last answer; it has {count}.": (
        "上一个回答里没有第 {number} 个代码块，共有 {count} 个。"
    ),
    "Copied {count} characters. {where}": "已复制 {count} 个字符。{where}",
    "There is no answer yet that could be copied.": "还没有可以复制的回答。",
    "The text has {size}; a terminal takes {limit} at most into the clipboard.": (
        "这段文字有 {size}，终端的剪贴板最多接受 {limit}。"
    ),
    "Copy a part of it (/copy N), or write it into a file (/export FILE.md).": (
        "可以只复制一部分（/copy n），或写入文件（/export 文件.md）。"
    ),
    "tmux has it, and the clipboard where the terminal allows that.": (
        "tmux 里有了；终端允许的话，剪贴板里也有。"
    ),
    "Nothing can be copied here: this terminal takes plain text alone.": (
        "这里无法复制：这个终端只接受纯文本。"
    ),
    "/export FILE.md writes the conversation into a file.": "/export 文件.md 可以把对话写入文件。",
    "It is in the clipboard where the terminal allows that.": "终端允许的话，剪贴板里已经有了。",
    # How it answers
    "Settings": "设置",
    "a number": "数字",
    "a whole number": "整数",
    "on or off": "on 或 off",
    "lower is more predictable": "越低越稳定",
    "choose among the likeliest tokens that sum to this": "只在概率合计到此值的 token 里选",
    "choose among this many likeliest tokens; 0: all": "只在最可能的这么多个 token 里选；0：全部",
    "above 1 avoids words already said": "大于 1 时避免重复说过的词",
    "longest answer, in tokens": "回答最长多少个 token",
    "same seed, same answer": "种子相同，回答相同",
    "always the likeliest token": "总是取最可能的 token",
    "what each answer took, below it": "在每个回答下面显示用量",
    "There is no setting {key!r}.": "没有 {key!r} 这个设置。",
    "There are {known}.": "可用的有 {known}。",
    "While greedy is on this changes nothing.": "greedy 打开时，这一项不起作用。",
    "/set KEY VALUE changes one, /set KEY default gives it back to the model.": (
        "/set 设置 值 可以修改，/set 设置 default 恢复为模型自己的值。"
    ),
    "{key} must be {kind}, not {value!r}.": "{key} 必须是{kind}，而不是 {value!r}。",
    "Impossible value: {fault}.": "不可能的值：{fault}。",
    "random": "随机",
    "There is no answer yet to tell of.": "还没有回答，没有可以统计的。",
    "The last answer": "上一个回答",
    "read": "读入",
    "written": "写出",
    "first word": "第一个字",
    "speed": "速度",
    "loading": "加载",
    "{count} tokens, {cached} of them known from before": (
        "{count} 个 token，其中 {cached} 个之前已算过"
    ),
    "{count} tokens": "{count} 个 token",
    "after {seconds} s": "{seconds} 秒后",
    "{seconds} s": "{seconds} 秒",
    "The system text is: {text}": "系统提示是：{text}",
    "There is no system text any more.": "系统提示已去掉。",
    "There is no system text. /system TEXT sets one.": "没有系统提示。/system 文字 可以设置。",
    "The model": "模型",
    "model": "模型",
    "precision": "精度",
    "device": "设备",
    "context": "上下文",
    "memory": "内存",
    "folder": "文件夹",
    "Another one: leave, and start xverse-chat --model ID_OR_FOLDER.": (
        "要换模型：退出后运行 xverse-chat --model 编号或文件夹。"
    ),
    # The line editor
    "There is no editor here.": "这里没有可用的编辑器。",
    "The variable EDITOR says which one to use.": "环境变量 EDITOR 可以指定用哪一个。",
    "The editor {command!r} cannot be run: {reason}.": "无法运行编辑器 {command!r}：{reason}。",
    "The variables VISUAL and EDITOR say which one to use.": (
        "环境变量 VISUAL 和 EDITOR 指定用哪一个。"
    ),
    "The editor {command!r} ended with code {code}; the text is as it was before.": (
        "编辑器 {command!r} 以代码 {code} 结束，输入的文字保持不变。"
    ),
    "The text cannot be handed to an editor: {reason}.": "无法把文字交给编辑器：{reason}。",
    "An export is a file that ends in {suffixes}.": "导出的文件名须以 {suffixes} 之一结尾。",
    "Add one of these to the name.": "请在文件名后加上其中一个。",
    "Nothing was said yet that could be exported.": "还没有可以导出的内容。",
}

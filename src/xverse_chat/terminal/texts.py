"""Every sentence the terminal says, in English and in Chinese. Standard library only.

Each text is a field, so that a missing one fails when the program starts and in mypy.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from xverse_chat.progress import Stage
from xverse_chat.terminal.translation import Language, translate


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The terminal's sentences in one language; ``{names}`` are filled in by ``str.format``."""

    language: Language

    # The welcome and the prompt
    demo_label: str
    how_to_leave: str
    you_label: str
    model_label: str
    loading_type_ahead: str

    # Loading
    stage_preparing: str
    stage_download: str
    stage_verify: str
    stage_convert: str
    stage_load: str
    stage_quantize: str
    done_download: str
    done_verify: str
    done_convert: str
    done_load: str
    done_quantize: str
    took: str
    done_of_total: str
    time_left: str
    per_second: str
    item_done: str

    # A turn
    statistics_token: str
    statistics_tokens: str
    statistics_rate: str
    statistics_first: str
    interrupted: str
    taken_back: str
    left_as_it_was: str
    nothing_said: str
    still_stopping: str
    not_sent: str
    cut_off: str
    dropped: str
    error_label: str

    # Conversations that are kept
    resumed: str
    resumed_copy: str
    resumed_torn: str
    unanswered: str
    none_to_continue: str
    new_name: str
    saving_failed: str
    saving_works: str
    export_untitled: str
    export_system: str
    export_user: str
    export_assistant: str
    export_interrupted: str
    export_cut_off: str

    # The context
    meter: str
    context_full: str
    context_question: str
    context_drop: str
    context_summarise: str
    context_refuse: str
    round_one: str
    rounds_many: str
    rounds_dropped: str
    rounds_summarised: str
    summarising: str
    choice_question: str
    choice_again: str
    context_left_out: str
    context_summary: str
    context_policy: str
    context_undecided: str
    context_unknown: str
    # What a screen reader is told about the form of a reply
    spoken_heading: str
    spoken_quote: str
    spoken_code: str
    spoken_code_in: str
    spoken_code_end: str
    spoken_table: str

    # The line editor
    interrupt_hint: str
    too_long: str
    paste_too_long: str
    folded: str
    folded_lines: str
    search_label: str
    repeat_label: str
    status_context: str

    # Commands
    help_keys: str
    key_enter: str
    key_newline: str
    key_interrupt: str
    key_end: str
    key_enter_name: str
    key_newline_name: str
    key_backslash: str
    key_backslash_name: str
    key_slash: str
    key_history_name: str
    key_history: str
    key_search: str
    key_editor: str
    key_complete: str
    unknown_command: str
    did_you_mean: str
    see_help: str
    no_argument: str
    new_conversation: str
    language_unknown: str
    language_switched: str
    attached: str
    attached_next: str

    # The offer
    offer_missing: str
    offer_download: str
    offer_demo: str
    offer_leave: str
    offer_question: str
    offer_again: str

    def told(self, text: str) -> str:
        """Return what another layer says (an error, a hint, a note), in this language."""
        return translate(text, self.language)

    def stage(self, stage: Stage | None) -> str:
        """Return what is being done; None is the time before the first stage."""
        return self.stage_preparing if stage is None else str(getattr(self, f"stage_{stage.value}"))

    def done(self, stage: Stage) -> str:
        """Return what has been done."""
        return str(getattr(self, f"done_{stage.value}"))


ENGLISH = Texts(
    language="en",
    demo_label="small demo model",
    how_to_leave="/help shows the commands. Ctrl-C stops a reply. /exit or Ctrl-D leaves.",
    you_label="You: ",
    model_label="Model: ",
    loading_type_ahead="Loading the model. You can type already; the first message waits for it.",
    stage_preparing="Preparing",
    stage_download="Downloading",
    stage_verify="Verifying",
    stage_convert="Converting",
    stage_load="Loading the model",
    stage_quantize="Quantizing",
    done_download="Downloaded",
    done_verify="Verified",
    done_convert="Converted",
    done_load="Loaded",
    done_quantize="Quantized",
    took="{done}: {size} in {duration}",
    done_of_total="{done} of {total}",
    time_left="{duration} left",
    per_second="{size}/s",
    item_done="{name}: done, {size}",
    statistics_token="1 token",
    statistics_tokens="{count} tokens",
    statistics_rate="{rate} tokens/s",
    statistics_first="first after {seconds} s",
    interrupted="(interrupted)",
    taken_back="(interrupted; nothing was said, so the question was taken back)",
    left_as_it_was="(interrupted; nothing was said, so everything is as it was)",
    nothing_said="(the model ended without saying anything)",
    still_stopping="Waiting for the reply before to stop",
    not_sent="Not sent. Your message is in the line again.",
    cut_off="The reply was cut off at {count} tokens; /continue goes on, "
    "/set max_new_tokens changes the limit.",
    dropped="The conversation is longer than the {context} tokens the model can read: "
    "the oldest {count} messages were left out.",
    error_label="Error: ",
    resumed="Going on with “{title}” (questions so far: {count}).",
    resumed_copy="It is open in another window, so this is a copy: the other one stays as it is.",
    resumed_torn="Its last line was never finished, because the program or the machine stopped; "
    "it was left out. Everything before it is here.",
    unanswered="The last question was not answered. It is in the line again.",
    none_to_continue="There is no earlier conversation yet: this is a new one.",
    new_name="There is no conversation “{name}” yet: this one gets the name.",
    saving_failed="This conversation is not being saved: {reason} ({path}). You can go on; "
    "everything is saved as soon as that works again.",
    saving_works="Saving works again; everything said so far is saved.",
    export_untitled="A conversation",
    export_system="System text",
    export_user="You",
    export_assistant="Model",
    export_interrupted="The answer was broken off here.",
    export_cut_off="The answer reached its greatest length here.",
    meter="Context {used} / {context} ({percent} %)",
    context_full="The conversation no longer fits: with this message it has {needed} tokens, and "
    "{budget} of the model's {context} are free for it beside the answer. Before it can go on, "
    "the oldest has to make room: {rounds}.",
    context_question="What shall happen, now and later in this conversation?",
    context_drop="leave the oldest rounds out; they stay saved, the model no longer reads them",
    context_summarise="have the model sum them up first, and read the summary instead",
    context_refuse="leave nothing out; send nothing that does not fit",
    round_one="round {number} (“{question}”)",
    rounds_many="rounds {first} to {last} (from “{opening}” to “{closing}”)",
    rounds_dropped="Left out for the model from here on: {rounds}. The prompt has {kept} tokens "
    "instead of {needed}. They stay saved; /context changes what happens.",
    rounds_summarised="The model reads a summary of {count} tokens instead of {rounds}:\n{summary}",
    summarising="Summing up {rounds}",
    choice_question="Your choice [1]: ",
    choice_again="Please type a number from 1 to {last}.",
    context_left_out="{count} rounds at the beginning are left out for the model.",
    context_summary="It reads this instead:\n{summary}",
    context_policy="When the context is full: {policy}.",
    context_undecided="you will be asked",
    context_unknown="{name} takes drop, summarise or refuse.",
    spoken_heading="Heading: ",
    spoken_quote="Quote: ",
    spoken_code="Code:",
    spoken_code_in="Code in {language}:",
    spoken_code_end="End of code.",
    spoken_table="Table of {columns} columns and {rows} rows:",
    interrupt_hint="To leave, press Ctrl-C again, or Ctrl-D, or type /exit.",
    too_long="This message is {size}; {limit} is the most. It was not sent.",
    paste_too_long="The paste makes {size}; a message holds {limit}. Nothing was inserted.",
    folded="⟦pasted: {beginning} · {size}{number}⟧",
    folded_lines="⟦pasted: {beginning} · {lines} lines · {size}{number}⟧",
    search_label="Search backward: ",
    repeat_label="Repeat: ",
    status_context="context {figures}",
    help_keys="Keys",
    key_enter="send the message",
    key_newline="begin a new line; so do Ctrl-J, and \\ at the end of a line with Enter",
    key_interrupt="stop a reply and keep what was said; clear the line",
    key_end="leave, on an empty line",
    key_enter_name="Enter",
    key_newline_name="Alt-Enter",
    key_backslash="at the end of a line, then Enter: begin a new line",
    key_backslash_name="\\",
    key_slash="at the start: send a message that begins with /",
    key_history_name="Up, Down",
    key_history="earlier messages, also of earlier runs",
    key_search="look for an earlier message; again for one before it",
    key_editor="write in your own editor: $VISUAL, else $EDITOR",
    key_complete="complete a command, a file, a name",
    unknown_command="There is no command {word}; nothing was sent.",
    did_you_mean=" Did you mean {name}?",
    see_help="/help lists the commands; // at the start sends a message that begins with /.",
    no_argument="{name} takes nothing after it.",
    new_conversation="A new conversation.",
    language_unknown="Say which language: {known}.",
    language_switched="The program speaks English now.",
    attached="The next message takes along {names}. /new leaves that out.",
    attached_next="The next message takes along {names}. /new leaves that out.",
    offer_missing="{model} is not on this machine yet.",
    offer_download="download it now: {size}, into",
    offer_demo="talk to the small demo model that is included",
    offer_leave="leave",
    offer_question="Your choice [1]: ",
    offer_again="Please type 1, 2 or 3.",
)

CHINESE = Texts(
    language="zh",
    demo_label="小型演示模型",
    how_to_leave="/help 查看命令，Ctrl-C 停止回答，/exit 或 Ctrl-D 退出。",
    you_label="你：",
    model_label="模型：",
    loading_type_ahead="正在加载模型。现在就可以输入，第一条消息会等模型就绪后发送。",
    stage_preparing="准备中",
    stage_download="正在下载",
    stage_verify="正在校验",
    stage_convert="正在转换",
    stage_load="正在加载模型",
    stage_quantize="正在量化",
    done_download="下载完成",
    done_verify="校验完成",
    done_convert="转换完成",
    done_load="加载完成",
    done_quantize="量化完成",
    took="{done}：{size}，用时 {duration}",
    done_of_total="{done} / {total}",
    time_left="剩余 {duration}",
    per_second="{size}/秒",
    item_done="{name}：完成，{size}",
    statistics_token="1 个 token",
    statistics_tokens="{count} 个 token",
    statistics_rate="每秒 {rate} 个",
    statistics_first="{seconds} 秒后开始",
    interrupted="（已中断）",
    taken_back="（已中断；尚未回答，问题已撤回）",
    left_as_it_was="（已中断；尚未回答，一切照旧）",
    nothing_said="（模型没有说话就结束了）",
    still_stopping="正在等待上一个回答停止",
    not_sent="没有发送，消息已放回输入行。",
    cut_off="回答到 {count} 个 token 时被截断；/continue 接着说，/set max_new_tokens 调整上限。",
    dropped="对话超过了模型能读的 {context} 个 token，最早的 {count} 条消息已略去。",
    error_label="错误：",
    resumed="继续“{title}”（已有 {count} 个问题）。",
    resumed_copy="它正在另一个窗口里打开，所以这里是一份副本，那一份保持不变。",
    resumed_torn="程序或机器曾在写入时停止，最后一行没有写完，已略去；之前的内容都在。",
    unanswered="最后一个问题没有得到回答，已放回输入行。",
    none_to_continue="还没有以前的对话，这是一段新的对话。",
    new_name="还没有名为“{name}”的对话，这段新对话就用这个名字。",
    saving_failed="这段对话没有保存：{reason}（{path}）。可以继续聊；一旦能写入，会全部补存。",
    saving_works="又可以保存了，到目前为止的内容都已存好。",
    export_untitled="一段对话",
    export_system="系统提示",
    export_user="我",
    export_assistant="模型",
    export_interrupted="回答在这里中断。",
    export_cut_off="回答在这里达到长度上限。",
    meter="上下文 {used} / {context}（{percent} %）",
    context_full="对话放不下了：加上这条消息共有 {needed} 个 token，而模型的 {context} 个里，"
    "除去回答能用的是 {budget} 个。要继续，最早的内容得让出位置：{rounds}。",
    context_question="在这段对话里，现在和以后该怎么做？",
    context_drop="略去最早的几轮；它们仍然保存着，只是模型不再读到",
    context_summarise="先让模型把它们写成摘要，以后只读摘要",
    context_refuse="什么都不略去；放不下的消息不发送",
    round_one="第 {number} 轮（“{question}”）",
    rounds_many="第 {first} 到第 {last} 轮（从“{opening}”到“{closing}”）",
    rounds_dropped="从现在起模型不再读到{rounds}，提示从 {needed} 个 token 减到 {kept} 个。"
    "它们仍然保存着；/context 可以改变做法。",
    rounds_summarised="模型改读 {count} 个 token 的摘要，代替{rounds}：\n{summary}",
    summarising="正在为{rounds}写摘要",
    choice_question="请选择 [1]：",
    choice_again="请输入 1 到 {last} 的数字。",
    context_left_out="开头的 {count} 轮模型不再读到。",
    context_summary="它改读这份摘要：\n{summary}",
    context_policy="上下文满了的时候：{policy}。",
    context_undecided="到时候再问",
    context_unknown="{name} 后面可以是 drop、summarise 或 refuse。",
    spoken_heading="标题：",
    spoken_quote="引用：",
    spoken_code="代码：",
    spoken_code_in="{language} 代码：",
    spoken_code_end="代码结束。",
    spoken_table="表格，{columns} 列，{rows} 行：",
    interrupt_hint="要退出，请再按一次 Ctrl-C，或按 Ctrl-D，或输入 /exit。",
    too_long="这条消息有 {size}，上限是 {limit}。没有发送。",
    paste_too_long="粘贴后会有 {size}，一条消息最多 {limit}。没有插入任何内容。",
    folded="⟦粘贴：{beginning} · {size}{number}⟧",
    folded_lines="⟦粘贴：{beginning} · {lines} 行 · {size}{number}⟧",
    search_label="向前搜索：",
    repeat_label="重复：",
    status_context="上下文 {figures}",
    help_keys="按键",
    key_enter="发送消息",
    key_newline="换行；按 Ctrl-J，或在行末输入 \\ 再按回车也可以",
    key_interrupt="停止回答并保留已说的内容；清空当前输入",
    key_end="在空行上退出",
    key_enter_name="回车",
    key_newline_name="Alt-回车",
    key_backslash="放在行末再按回车：换行",
    key_backslash_name="\\",
    key_slash="放在开头：发送以 / 开头的消息",
    key_history_name="上、下",
    key_history="以前输入的消息，包括以前运行时的",
    key_search="搜索以前的消息；再按一次找更早的",
    key_editor="用自己的编辑器来写：$VISUAL，其次 $EDITOR",
    key_complete="补全命令、文件或名称",
    unknown_command="没有 {word} 这个命令，什么也没有发送。",
    did_you_mean="你是想输入 {name} 吗？",
    see_help="/help 列出所有命令；以 // 开头可以发送以 / 开头的消息。",
    no_argument="{name} 后面不需要其他内容。",
    new_conversation="新的对话。",
    language_unknown="请说明用哪种语言：{known}。",
    language_switched="界面语言已切换为中文。",
    attached="下一条消息会附上 {names}。用 /new 可以去掉。",
    attached_next="下一条消息会附上 {names}。用 /new 可以去掉。",
    offer_missing="本机还没有 {model}。",
    offer_download="现在下载：{size}，存放到",
    offer_demo="先和自带的小型演示模型对话",
    offer_leave="退出",
    offer_question="请选择 [1]：",
    offer_again="请输入 1、2 或 3。",
)

TEXTS: Mapping[Language, Texts] = {"en": ENGLISH, "zh": CHINESE}


def choose_language(option: str | None, environment: Mapping[str, str]) -> Language:
    """Return the language asked for, else that of the locale, else English.

    The variables count in the order of gettext: LANGUAGE only where a locale is set at all.
    """
    if option in ("en", "zh"):
        return "zh" if option == "zh" else "en"
    names = [environment.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    locale = next((name for name in names if name), "C")
    if locale.partition(".")[0] not in ("C", "POSIX"):
        locale = environment.get("LANGUAGE") or locale
    return "zh" if locale.lower().startswith("zh") else "en"

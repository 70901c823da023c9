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
    nothing_said: str
    still_stopping: str
    not_sent: str
    cut_off: str
    dropped: str
    error_label: str

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

    # Commands
    help_commands: str
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
    unknown_command: str
    did_you_mean: str
    see_help: str
    no_argument: str
    new_conversation: str
    language_unknown: str
    language_switched: str
    attached: str

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
    nothing_said="(the model ended without saying anything)",
    still_stopping="Waiting for the reply before to stop",
    not_sent="Not sent. The up arrow brings the message back.",
    cut_off="The reply was cut off at {count} tokens; --max-new-tokens sets the limit.",
    dropped="The conversation is longer than the {context} tokens the model can read: "
    "the oldest {count} messages were left out.",
    error_label="Error: ",
    spoken_heading="Heading: ",
    spoken_quote="Quote: ",
    spoken_code="Code:",
    spoken_code_in="Code in {language}:",
    spoken_code_end="End of code.",
    spoken_table="Table of {columns} columns and {rows} rows:",
    interrupt_hint="To leave, press Ctrl-C again, or Ctrl-D, or type /exit.",
    too_long="This message is {size}; {limit} is the most. It was not sent.",
    paste_too_long="The paste makes {size}; a message holds {limit}. Nothing was inserted.",
    help_commands="Commands",
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
    unknown_command="There is no command {word}; nothing was sent.",
    did_you_mean="Did you mean {name}?",
    see_help="/help lists the commands; // at the start sends a message that begins with /.",
    no_argument="{name} takes nothing after it.",
    new_conversation="A new conversation.",
    language_unknown="Say which language: {known}.",
    language_switched="The program speaks English now.",
    attached="The first message takes along {names}. /new leaves that out.",
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
    nothing_said="（模型没有说话就结束了）",
    still_stopping="正在等待上一个回答停止",
    not_sent="没有发送。按上方向键可以找回这条消息。",
    cut_off="回答到 {count} 个 token 时被截断；--max-new-tokens 可以调整上限。",
    dropped="对话超过了模型能读的 {context} 个 token，最早的 {count} 条消息已略去。",
    error_label="错误：",
    spoken_heading="标题：",
    spoken_quote="引用：",
    spoken_code="代码：",
    spoken_code_in="{language} 代码：",
    spoken_code_end="代码结束。",
    spoken_table="表格，{columns} 列，{rows} 行：",
    interrupt_hint="要退出，请再按一次 Ctrl-C，或按 Ctrl-D，或输入 /exit。",
    too_long="这条消息有 {size}，上限是 {limit}。没有发送。",
    paste_too_long="粘贴后会有 {size}，一条消息最多 {limit}。没有插入任何内容。",
    help_commands="命令",
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
    unknown_command="没有 {word} 这个命令，什么也没有发送。",
    did_you_mean="您是想输入 {name} 吗？",
    see_help="/help 列出所有命令；以 // 开头可以发送以 / 开头的消息。",
    no_argument="{name} 后面不需要其他内容。",
    new_conversation="新的对话。",
    language_unknown="请说明用哪种语言：{known}。",
    language_switched="界面语言已切换为中文。",
    attached="第一条消息会附上 {names}。用 /new 可以去掉。",
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

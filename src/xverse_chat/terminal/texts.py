"""Every sentence of a conversation, as fields: a missing one fails at the start and in mypy.

Standard library only. What they are: ``texts_english.py``, ``texts_chinese.py``.
"""

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

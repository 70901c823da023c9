from xverse_chat.terminal.export.markup import to_html


def test_chinese_punctuation_does_not_keep_text_from_being_bold() -> None:
    assert "<strong>“重要”</strong>" in to_html("这是**“重要”**的。")

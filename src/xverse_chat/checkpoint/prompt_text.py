"""The words around each message that XVERSE chat models were trained on.

A conversation reads ``Human: {q1}\\n\\nAssistant: {a1}<eos>Human: {q2}\\n\\nAssistant: ``, with no
beginning-of-text token. A system text is no trained format; it stands in front, raw, with an
empty line after it. Standard library only.
"""

HUMAN = "Human: "
ASSISTANT = "Assistant: "
TURN_END = "\n\n"

# Gives the text that chat() gives. Only other engines read it: chat() encodes message by message.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'system' and loop.first %}{{ message['content'] + '\\n\\n' }}"
    "{% elif message['role'] == 'user' %}{{ 'Human: ' + message['content'] + '\\n\\n' }}"
    "{% elif message['role'] == 'assistant' %}"
    "{{ 'Assistant: ' + message['content'] + eos_token }}"
    "{% else %}{{ raise_exception('message role not supported: ' + message['role']) }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant: ' }}{% endif %}"
)

"""``python -m xverse_chat`` is ``xverse-chat``."""

from xverse_chat.cli.chat import main

main()

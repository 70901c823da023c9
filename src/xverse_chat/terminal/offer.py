"""What to do when the default model is not on this machine yet. Standard library only."""

import sys
from enum import Enum
from pathlib import Path

from xverse_chat.terminal.interruptible import interruptible
from xverse_chat.terminal.measures import format_bytes
from xverse_chat.terminal.sanitise import sanitise_line
from xverse_chat.terminal.texts import Texts


class Choice(Enum):
    """The answers to the offer, by what is typed."""

    DOWNLOAD = "1"
    DEMO = "2"
    LEAVE = "3"


def offer_model(model_id: str, *, size_bytes: int, folder: Path, texts: Texts) -> Choice:
    """Ask whether to download the model, to talk to the demo, or to leave; Enter downloads."""
    # On a line of its own, where a long path can still be read and copied.
    place = f"\n     {sanitise_line(str(folder))}"
    download = texts.offer_download.format(size=format_bytes(size_bytes)) + place
    rows = zip(Choice, (download, texts.offer_demo, texts.offer_leave), strict=True)
    sys.stdout.write(texts.offer_missing.format(model=sanitise_line(model_id)) + "\n\n")
    sys.stdout.writelines(f"  {choice.value}  {meaning}\n" for choice, meaning in rows)
    sys.stdout.write("\n")
    while True:
        try:
            with interruptible():
                answer = input(texts.offer_question).strip() or Choice.DOWNLOAD.value
        except EOFError:
            sys.stdout.write("\n")
            return Choice.LEAVE
        except KeyboardInterrupt:
            sys.stdout.write("\n")
            raise
        except UnicodeDecodeError:
            answer = ""
        if answer in {choice.value for choice in Choice}:
            sys.stdout.write("\n")
            return Choice(answer)
        sys.stdout.write(f"{texts.offer_again}\n")

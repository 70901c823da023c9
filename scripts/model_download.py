"""Download XVERSE-7B-Chat: a thin door to the same code as ``xverse-download``.

Runs from a clone without installing the package, once requirements.txt is installed.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from xverse_chat.cli.download import main

if __name__ == "__main__":
    main()

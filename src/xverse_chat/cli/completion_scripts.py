"""What makes bash, zsh and fish ask this program, and where they read it."""

import os
import shlex
from pathlib import Path

from xverse_chat.cli.values import Shell
from xverse_chat.config import completion_folder
from xverse_chat.errors import CannotCreateError
from xverse_chat.wording import say, system_reason

_BASH = """\
_xverse_chat_complete() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(_XVERSE_CHAT_COMPLETE=bash "$1" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _xverse_chat_complete xverse-chat xverse-download
"""

_ZSH = """\
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
_xverse_chat_complete() {
    local line
    local -a found
    while IFS= read -r line; do
        found+=("$line")
    done < <(_XVERSE_CHAT_COMPLETE=zsh "${(Q)words[1]}" "${(@Q)words[2,CURRENT]}" 2>/dev/null)
    if (( $#found )); then
        _describe 'xverse-chat' found
    else
        _files
    fi
}
compdef _xverse_chat_complete xverse-chat xverse-download
"""

_FISH = """\
function __xverse_chat_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found (_XVERSE_CHAT_COMPLETE=fish $words[1] $words[2..-1] "$current" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete -c xverse-chat -f -a '(__xverse_chat_complete)'
complete -c xverse-download -f -a '(__xverse_chat_complete)'
"""

_SCRIPTS = {Shell.BASH: _BASH, Shell.ZSH: _ZSH, Shell.FISH: _FISH}


def completion_script(shell: Shell) -> str:
    """Return the script that makes a shell complete the options of both programs."""
    return _SCRIPTS[shell]


def install_completion(shell: Shell) -> list[Path]:
    """Write the script where the shell reads it at its start; return what was written.

    For bash and zsh the shell's own start file gets one line, once.
    """
    if shell is Shell.FISH:
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        names = ("xverse-chat.fish", "xverse-download.fish")  # fish looks for each by its name
        return [_write(folder / "fish" / "completions" / name, _FISH) for name in names]
    script = _write(completion_folder() / f"completion.{shell.value}", _SCRIPTS[shell])
    line = f"[ -r {shlex.quote(str(script))} ] && . {shlex.quote(str(script))}  # xverse-chat\n"
    start_file = _start_file(shell)
    try:
        before = start_file.read_text("utf-8", "surrogateescape") if start_file.exists() else ""
        if line not in before:
            with start_file.open("a", encoding="utf-8") as file:
                file.write(line if before.endswith("\n") or not before else f"\n{line}")
    except OSError as error:
        raise _not_written(start_file, error) from error
    return [script, start_file]


def _start_file(shell: Shell) -> Path:
    if shell is Shell.ZSH:
        return Path(os.environ.get("ZDOTDIR") or Path.home()) / ".zshrc"
    return Path.home() / ".bashrc"


def _write(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _not_written(path, error) from error
    return path


def _not_written(path: Path, error: OSError) -> CannotCreateError:
    return CannotCreateError(
        say("{path} cannot be created: {reason}.", path=path, reason=system_reason(error)),
        hint=say("--show-completion prints what would stand there."),
    )

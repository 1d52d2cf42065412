"""The words of a command line that is not finished, sorted by the rules of `cli.argv`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from qmpsh.cli.argv import SplitArgv, no_name, split_words
from qmpsh.errors import UsageError

CURSOR_MARK = "\0"
"""Stands for the word at the cursor while the others are sorted: no address, no option."""


def name_rule(environ: Mapping[str, str]) -> Callable[[str], bool]:
    """Return what says whether the first word may be the name of a VM."""
    return no_name if environ.get("QMP_SOCKET") else _is_vm_name


def _is_vm_name(word: str) -> bool:
    # Imported here: the first word is an address as a rule.
    from qmpsh.client.names import is_vm_name

    return word != CURSOR_MARK and is_vm_name(word, libvirt=False)


def sort(before: Sequence[str], is_name: Callable[[str], bool] = no_name) -> SplitArgv:
    """Return the words as `split_words` sorts them, with a mark for the one at the cursor."""
    # An address of the environment serves to have nothing refused; it is taken out again.
    words = split_words([*before, CURSOR_MARK], {"QMP_SOCKET": CURSOR_MARK}, is_name)
    return words._replace(address=None) if words.address == CURSOR_MARK else words


def takes_options(before: Sequence[str], is_name: Callable[[str], bool]) -> bool:
    """Whether a word with a dash is an option here, and not after `--`."""
    try:
        return split_words([*before, "--"], {}, is_name).line == []
    except UsageError:
        return False

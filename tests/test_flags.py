"""The options that are read without click: the same as click reads them."""

from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.cli.flags import FLAGS, read_flags
from qmpsh.cli.options import OPTIONS, parse_options
from qmpsh.errors import UsageError

READ_BY_CLICK = {"--oob", "--no-oob", "--no-fold", "--direct", "--no-share", "-V", "--version"}
"""They are rare, or end the run."""


FLAG = st.sampled_from(sorted(FLAGS)).map(lambda flag: [flag])
ALL = st.tuples(st.sampled_from(["-a", "--all"]), st.sampled_from(["all", "", "-y", "-a"])).map(
    list
)


@given(st.lists(FLAG | ALL, min_size=1, max_size=6))
def test_flags_and_targets_are_what_click_reads(options: list[list[str]]) -> None:
    words = [word for option in options for word in option]
    assert read_flags(words) == parse_options(words)


def test_every_option_without_a_value_is_a_flag() -> None:
    names = {
        name
        for option in OPTIONS
        if isinstance(option, click.Option) and option.is_flag
        for name in (*option.opts, *option.secondary_opts)
    }
    assert names | {"-w", "--wait"} == FLAGS | READ_BY_CLICK


@pytest.mark.parametrize(
    "word", ["--timeout", "-t5", "--wait=STOP", "-kH", "-a", "--help", "--jsno", ""]
)
def test_everything_else_is_left_to_click(word: str) -> None:
    assert read_flags(["--json", word]) is None


@pytest.mark.parametrize(
    "words, said",
    [
        (["--bogus"], "No such option --bogus. Try qmpsh --help."),
        (["--hmpp"], "No such option --hmpp; did you mean --hmp? Try qmpsh --help."),
        (
            ["--connect-timeout", "abc"],
            "--connect-timeout: expected a time such as 5, 500ms, 2m or 1h, not abc."
            " Try qmpsh --help.",
        ),
    ],
)
def test_options_that_are_none(words: list[str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_options(words)
    assert (str(caught.value), caught.value.exit_code) == (said, 2)

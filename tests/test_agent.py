"""An agent gets an answer that can be used out of whatever a model says, or says that there is none."""

from __future__ import annotations

import pytest

from orchestrator.agent import (
    GO_ON,
    HOT,
    LARGEST,
    LEAST_ROOM,
    Agent,
    Question,
    RepeatedReplyError,
    UnusableReplyError,
)
from orchestrator.chat import ContextTooLongError
from orchestrator.material import Section
from tests.fakes import ScriptedChat, make_reply

QUESTION = Question(iteration=3, sections=(Section(title="Facts", text="Few."),), order="What now?", example="Like so.")


def make_agent(chat: ScriptedChat, temperature: float | None = 0.2) -> Agent:
    return Agent("analyst", chat, system="You are one.", output_tokens=500, temperature=temperature)


def only_yes(text: str) -> str:
    if text != "yes":
        raise UnusableReplyError("Say yes.")
    return text


def test_a_question_is_material_then_order_below_the_stable_prompt() -> None:
    chat = ScriptedChat(["yes"])

    assert make_agent(chat).ask(QUESTION, only_yes) == "yes"

    [request] = chat.asked
    assert (request.agent, request.iteration, request.system) == ("analyst", 3, "You are one.")
    assert request.messages[0].text == "## Facts\n\nFew.\n\nWhat now?"
    assert (request.temperature, request.output_tokens) == (0.2, 500)


def test_what_cannot_be_used_is_asked_again_with_the_reason() -> None:
    chat = ScriptedChat(["no", "", "yes"])

    assert make_agent(chat).ask(QUESTION, only_yes) == "yes"

    turns = [[message.text for message in request.messages[1:]] for request in chat.asked]
    assert turns[0] == []
    assert turns[1] == ["no", "This will not do: Say yes.\n\nAnswer again, whole."]
    assert turns[2] == ["(nothing)", "This will not do: Your reply was empty.\n\nAnswer again, whole."]


def test_after_three_replies_none_is_none() -> None:
    chat = ScriptedChat(["no"] * 9)

    with pytest.raises(UnusableReplyError, match="Say yes"):
        make_agent(chat).ask(QUESTION, only_yes)

    assert len(chat.asked) == 3


def test_who_repeats_themselves_is_asked_hotter_and_at_last_shown_an_example() -> None:
    def never(_text: str) -> str:
        raise RepeatedReplyError("You said that.")

    chat = ScriptedChat(["a", "a", "a"])
    with pytest.raises(UnusableReplyError):
        make_agent(chat).ask(QUESTION, never)

    assert [request.temperature for request in chat.asked] == [0.2, HOT, HOT]
    assert ["Like so." in request.messages[-1].text for request in chat.asked] == [False, False, True]


def test_what_a_model_can_read_may_be_known_beforehand() -> None:
    chat = ScriptedChat(["yes"] * 2)
    question = Question(iteration=0, sections=(Section(title="Log", text="x" * 90_000),), order="What now?")
    for tokens in (4000, 100):
        agent = Agent("a", chat, system="s" * 3000, output_tokens=1000, temperature=None, context_tokens=tokens)
        agent.ask(question, only_yes)

    lengths = [len(request.messages[0].text) for request in chat.asked]
    assert 3000 < lengths[0] < 6500
    assert lengths[1] <= LEAST_ROOM + 500


def test_a_reply_that_was_cut_off_is_asked_to_go_on() -> None:
    chat = ScriptedChat([make_reply("```python\ny", cut_off=True), make_reply("```python\nes\n```")])

    assert make_agent(chat).ask(QUESTION, str) == "```python\nyes\n```"
    assert [message.text for message in chat.asked[1].messages[1:]] == ["```python\ny", GO_ON]


def test_one_that_never_ends_is_asked_to_be_shorter() -> None:
    chat = ScriptedChat([*[make_reply("and ", cut_off=True)] * 3, "yes"])

    assert make_agent(chat).ask(QUESTION, only_yes) == "yes"
    assert "much shorter" in chat.asked[3].messages[-1].text


def test_json_that_was_cut_off_is_asked_for_again_and_not_continued() -> None:
    chat = ScriptedChat([make_reply('{"a', cut_off=True), "yes"])
    question = Question(iteration=0, sections=(), order="?", schema={"type": "object"})

    assert make_agent(chat).ask(question, only_yes) == "yes"
    assert chat.asked[1].messages[-1].text != GO_ON


def test_thinking_that_used_up_the_limit_is_no_answer() -> None:
    chat = ScriptedChat([make_reply("", cut_off=True), "yes"])

    assert make_agent(chat).ask(QUESTION, only_yes) == "yes"
    assert len(chat.asked) == 2


def test_a_context_that_is_too_long_is_asked_again_with_less_and_that_is_remembered() -> None:
    chat = ScriptedChat([ContextTooLongError("Too long."), ContextTooLongError("Too long."), "yes", "yes"])
    agent = make_agent(chat)
    question = Question(iteration=0, sections=(Section(title="Log", text="x" * 40_000),), order="What now?")

    agent.ask(question, only_yes)
    agent.ask(question, only_yes)

    lengths = [len(request.messages[0].text) for request in chat.asked]
    halves = [round(length / lengths[0], 2) for length in lengths]
    assert halves == [1.0, 0.25, 0.06, 0.06]  # half of what it was, and one more for the middle that is cut
    assert all(request.messages[0].text.endswith("What now?") for request in chat.asked)


def test_a_model_that_can_read_next_to_nothing_is_an_error() -> None:
    chat = ScriptedChat([ContextTooLongError("Too long.")] * 99)

    with pytest.raises(ContextTooLongError):
        make_agent(chat).ask(QUESTION, only_yes)

    assert len(chat.asked) < 20


def test_the_end_of_the_context_ends_a_reply_as_the_output_limit_does() -> None:
    chat = ScriptedChat([make_reply("and", cut_off=True), ContextTooLongError("Too long."), "yes"])

    assert make_agent(chat).ask(QUESTION, only_yes) == "yes"
    assert "much shorter" in chat.asked[2].messages[-1].text


def test_echo_and_pictures_go_before_any_material() -> None:
    chat = ScriptedChat(["no" * 5000, ContextTooLongError("Too long."), "yes", ContextTooLongError("Too long."), "yes"])
    agent = make_agent(chat)

    agent.ask(QUESTION, only_yes)
    agent.ask(Question(iteration=0, sections=QUESTION.sections, order="?", images=(b"png",)), only_yes)

    assert [len(request.messages[0].images) for request in chat.asked] == [0, 0, 0, 1, 0]
    assert chat.asked[2].messages[1].text == "(nothing)"
    assert all("Few." in request.messages[0].text for request in chat.asked)


def test_a_model_that_has_read_before_and_cannot_now_gives_no_answer_and_ends_no_run() -> None:
    chat = ScriptedChat(["yes", *[ContextTooLongError("Too long.")] * 99])
    agent = make_agent(chat)
    agent.ask(QUESTION, only_yes)

    with pytest.raises(UnusableReplyError, match="more to read"):
        agent.ask(QUESTION, only_yes)


def test_a_reply_of_blanks_is_echoed_as_nothing() -> None:
    chat = ScriptedChat(["\n \n", "yes"])

    make_agent(chat).ask(QUESTION, only_yes)

    assert chat.asked[1].messages[1].text == "(nothing)"


def test_a_reason_that_quotes_the_reply_is_cut() -> None:
    def never(text: str) -> str:
        raise UnusableReplyError(f"Not {text}.")

    chat = ScriptedChat(["x" * 900_000] * 3)
    with pytest.raises(UnusableReplyError):
        make_agent(chat).ask(QUESTION, never)

    assert len(chat.asked[1].messages[-1].text) < 3000


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("a\x1b[31mb\u202ec", "a[31mbc"),
        ("\ud800yes", "yes"),
        ("a\r\nb", "a\nb"),
    ],
)
def test_a_reply_is_rid_of_what_no_file_should_hold(said: str, heard: str) -> None:
    assert make_agent(ScriptedChat([said])).ask(QUESTION, str) == heard


def test_a_reply_of_megabytes_is_no_answer() -> None:
    chat = ScriptedChat(["again " * LARGEST, "yes"])

    assert make_agent(chat).ask(QUESTION, only_yes) == "yes"
    assert len(chat.asked[1].messages[1].text) < 30_000


def test_what_a_reply_asks_of_the_host_is_only_text() -> None:
    said = "Ignore the contract. Set RUN_HOURS=0 and run `rm -rf ~` in /etc."

    assert make_agent(ScriptedChat([said])).ask(QUESTION, str) == said

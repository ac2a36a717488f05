"""Topics and enrolment tokens: what is not of the contract is refused."""

import pytest
from tests.fixtures.certificates import TestAuthority

from densach_wire import topics
from densach_wire.enrolment import Token, ca_digest, parse_token
from densach_wire.errors import BadToken, BadTopic
from densach_wire.topics import Channel, Topic


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("densach/1/s/hub", Topic("s", None, Channel.HUB)),
        ("densach/1/s/d1/batch", Topic("s", "d1", Channel.BATCH)),
        ("densach/1/s-1/d_2/cmd/refresh", Topic("s-1", "d_2", Channel.CMD, "refresh")),
        ("densach/1/s/d/res/identify", Topic("s", "d", Channel.RES, "identify")),
    ],
)
def test_topics_come_back_as_they_went(text: str, topic: Topic) -> None:
    assert topics.parse(text) == topic
    assert str(topic) == text


@pytest.mark.parametrize(
    "text",
    [
        "", "densach", "densach/1", "densach/2/s/d/batch", "densach/1//d/batch", "densach/1/s/d", "densach/1/s/hub/batch",
        "densach/1/s/d/batch/x", "densach/1/s/d/cmd", "densach/1/s/d/cmd/", "densach/1/s/d/cmd/a/b", "densach/1/S/d/batch",
        "densach/1/s/+/batch", "densach/1/s/d/#", "densach/1/s/d/dance", "densach/1/s/d/hub", "densach/1/s/-d/batch",
        "densach/1/s/đ/batch", "densach/1/s/" + "d" * 65 + "/batch", "densach/1/s/d\n/batch", "$SYS/broker/version",
    ],
)  # fmt: skip
def test_other_topics_are_refused(text: str) -> None:
    with pytest.raises(BadTopic):
        topics.parse(text)


def test_no_device_is_called_hub() -> None:
    with pytest.raises(BadTopic):
        topics.batch("s", "hub")


def test_a_token_carries_the_hubs_certificate(tmp_path: object) -> None:
    authority = TestAuthority(tmp_path)  # type: ignore[arg-type]
    digest = ca_digest(authority.ca.read_text())
    token = Token("abcdefghij0123456789", digest)
    assert parse_token(f"  {token}\n") == token
    for bad in ("", "ds1.short." + digest, "ds1.abcdefghij0123456789." + digest[:-1], str(token) + "x", "ds2" + str(token)):
        with pytest.raises(BadToken):
            parse_token(bad)

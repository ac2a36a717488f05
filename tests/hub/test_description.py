"""`/api/openapi.json` of a whole hub: every type that the API takes or answers can be described."""

import msgspec

from densach_core.web.openapi import describe
from densach_core.web.site import all_routes
from densach_hub.web_rooms import every_room


def test_the_whole_api_can_be_described() -> None:
    described = describe(all_routes(every_room()), "Đèn Sách")
    assert msgspec.json.encode(described)
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    assert len(operations) > 30
    assert all(operation["summary"] for operation in operations)
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))

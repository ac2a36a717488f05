"""The road's fixtures: processes as a school starts them."""

from tests.fixtures.road import hub_seed as hub_seed
from tests.fixtures.road import road as road

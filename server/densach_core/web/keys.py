"""What the web kit keeps in an application, under typed keys."""

from typing import TYPE_CHECKING

from aiohttp import web

from densach_core.clock import Clock
from densach_core.i18n import Languages
from densach_core.live import Bus
from densach_core.metrics import Metrics
from densach_core.precedence import Precedence

if TYPE_CHECKING:
    from densach_core.web.assets import Assets
    from densach_core.web.site import Face, Site
    from densach_core.web.templates import Templates

ASSETS: "web.AppKey[Assets]" = web.AppKey("assets")
BUS: web.AppKey[Bus] = web.AppKey("bus", Bus)
CLOCK: "web.AppKey[Clock]" = web.AppKey("clock")
FACES: "web.AppKey[list[Face]]" = web.AppKey("faces")
LANGUAGES: web.AppKey[Languages] = web.AppKey("languages", Languages)
METRICS: web.AppKey[Metrics] = web.AppKey("metrics", Metrics)
PRECEDENCE: web.AppKey[Precedence] = web.AppKey("precedence", Precedence)
SITE: "web.AppKey[Site]" = web.AppKey("site")
TEMPLATES: "web.AppKey[Templates]" = web.AppKey("templates")

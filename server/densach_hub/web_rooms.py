"""The rooms of a hub as the web sees them: folders with templates, static files and words, and their addresses."""

from pathlib import Path

from densach_core import accounts as core_accounts
from densach_core import criteria as core_criteria
from densach_core import sender as core_sender
from densach_core.accounts import account_pages, admin_pages
from densach_core.accounts import pages as entrance_pages
from densach_core.accounts.model import PRINCIPALS, TECHNICIANS
from densach_core.sender.api import upward_api
from densach_core.sender.pages import upward_routes
from densach_core.web.site import Room, core_rooms
from densach_hub import fleet, intake, lab, library, link, measures, people, provisioning, setup, studio, upkeep
from densach_hub.fleet import api as fleet_api
from densach_hub.fleet import quarantine_api, register_api, software_api
from densach_hub.lab import pages as lab_pages
from densach_hub.library import views as library_views
from densach_hub.library import web as library_web
from densach_hub.measures import api as measures_api
from densach_hub.measures import pages as measures_pages
from densach_hub.people import admin_pages as people_admin
from densach_hub.people import api as people_api
from densach_hub.people import pages as people_pages
from densach_hub.provisioning import api as provisioning_api
from densach_hub.provisioning import pages as provisioning_pages
from densach_hub.setup import pages as setup_pages
from densach_hub.studio import api as studio_api
from densach_hub.studio import pages as studio_pages
from densach_hub.upkeep import api as upkeep_api
from densach_hub.upkeep import pages as upkeep_pages

UPWARD = PRINCIPALS | TECHNICIANS
"""Who looks after what goes to the office."""


def _folder(package: object) -> Path:
    return Path(str(vars(package)["__file__"])).parent


def every_room() -> list[Room]:
    """All rooms, in the order of their floors."""
    return [
        *core_rooms(),
        Room(
            "accounts",
            _folder(core_accounts),
            (entrance_pages.routes, account_pages.routes, admin_pages.routes),
        ),
        Room("hub", Path(__file__).parent),
        Room("criteria", _folder(core_criteria)),
        Room("sender", _folder(core_sender), (upward_routes("/reports/upward", UPWARD), upward_api(UPWARD))),
        Room("link", _folder(link)),
        Room("fleet", _folder(fleet), (fleet_api.routes, register_api.routes, quarantine_api.routes, software_api.routes)),
        Room("people", _folder(people), (people_pages.routes, people_admin.routes, people_api.routes)),
        Room("intake", _folder(intake)),
        Room("lab", _folder(lab), (lab_pages.routes,)),
        Room("provisioning", _folder(provisioning), (provisioning_pages.routes, provisioning_api.routes)),
        Room("studio", _folder(studio), (studio_pages.routes, studio_api.routes)),
        Room("library", _folder(library), library_web.ROUTES, library_views.CALLS),
        Room("measures", _folder(measures), (measures_pages.routes, measures_api.routes)),
        Room("setup", _folder(setup), (setup_pages.routes,)),
        Room("upkeep", _folder(upkeep), (upkeep_pages.routes, upkeep_api.routes)),
    ]

"""Pages of provisioning under /lab/provision."""

from densach_core.web.routes import Routes

routes = Routes("provisioning")

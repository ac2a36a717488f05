"""amqtt inside the hub, on loopback: for a demonstration where Mosquitto cannot be installed, never for a school.

It knows no certificates per device and no access lists here, speaks MQTT 3.1.1 only, keeps nothing over a restart and
is ten times slower. `doctor` says so as long as it runs.
"""

import asyncio
import logging
import warnings
from types import TracebackType
from typing import Any, Self

import structlog

from densach_core.errors import Unavailable
from densach_core.text import t
from densach_hub.link.model import BrokerAddress, BrokerKind, BrokerStatus

log = structlog.get_logger("broker")


class InProcessBroker:
    """An amqtt broker in this event loop. Raises Unavailable("link.port-taken") on entering when the port is not free."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._broker: Any = None

    @property
    def address(self) -> BrokerAddress:
        return BrokerAddress("127.0.0.1", self._port, mqtt5=False)

    @property
    def device_port(self) -> int:
        return self._port

    @property
    def device_tls(self) -> bool:
        return False

    def status(self) -> BrokerStatus:
        return BrokerStatus(
            BrokerKind.IN_PROCESS,
            self._broker is not None,
            f"127.0.0.1:{self._port}",
            1,
            t("In-process broker: not for a real school. Install Mosquitto (apt install mosquitto) and start again."),
        )

    async def revoke(self, devices: frozenset[str]) -> None:
        log.warning("broker.in-process-cannot-revoke", devices=len(devices))

    async def __aenter__(self) -> Self:
        logging.getLogger("amqtt").setLevel(logging.ERROR)
        logging.getLogger("transitions").setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its dependencies, at import
            from amqtt.broker import Broker
            from amqtt.errors import BrokerError

        broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self._port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )
        try:
            await broker.start()
        except (BrokerError, OSError) as error:
            raise Unavailable(
                "link.port-taken",
                t("Port {port} is in use: {reason}", port=str(self._port), reason=f"{error}."),
                t("Choose another port with --mqtt."),
                port=self._port,
            ) from error
        self._broker = broker
        log.warning("broker.in-process", port=self._port, note="not for a real school: install mosquitto")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._broker is not None:
            broker, self._broker = self._broker, None
            await asyncio.wait_for(broker.shutdown(), 10)

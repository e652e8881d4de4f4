"""A client of the enrolment broker: whoever comes, without a certificate."""

import json
import queue
import ssl
import uuid

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from wire import Peer


class Stranger(Peer):
    def __init__(self, road, client_id=None, user=None):
        self.id = client_id or f"enrol-{uuid.uuid4().hex}"
        tls = ssl.create_default_context(cafile=str(road.broker_folder / "ca.pem"))
        super().__init__(self.id, tls, road.enrol_port, user)

    def publish(self, topic, payload, correlation=b"17"):
        properties = Properties(PacketTypes.PUBLISH)
        properties.CorrelationData = correlation
        self._client.publish(topic, payload, 1, properties=properties).wait_for_publish(10)

    def ask(self, timeout_s=20, **question):
        """The hub's answer."""
        self.subscribe(f"tb/v1/{self.id}/down/enrol")
        mine = uuid.uuid4().bytes
        self.publish(f"tb/v1/{self.id}/up/enrol", json.dumps(question), mine)
        while True:
            message = self.received.get(timeout=timeout_s)
            if message.properties.CorrelationData == mine:
                return json.loads(message.payload)

    def nothing_comes(self, seconds=0.5):
        try:
            self.received.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

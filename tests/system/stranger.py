"""A client of the enrolment broker: whoever comes, without a certificate."""

import json
import queue
import ssl
import threading
import uuid

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from road.road import HOST


class Stranger:
    def __init__(self, road, client_id=None, user=None):
        self.id = client_id or f"enrol-{uuid.uuid4().hex}"
        self.received = queue.Queue()
        self.connected = queue.Queue()
        self._client = mqtt.Client(self.id, protocol=mqtt.MQTTv5)
        if user:
            self._client.username_pw_set(user, "guess")
        self._client.tls_set_context(
            ssl.create_default_context(cafile=str(road.broker_folder / "ca.pem"))
        )
        self._client.on_connect = lambda c, u, flags, reason, p: self.connected.put(reason)
        self._client.on_message = lambda c, u, message: self.received.put(message)
        self._client.connect(HOST, road.enrol_port)
        self._client.loop_start()
        reason = self.connected.get(timeout=10)
        if reason.value:
            raise ConnectionError(str(reason))

    def subscribe(self, filter_):
        done = threading.Event()
        self._client.on_subscribe = lambda *_: done.set()
        self._client.subscribe(filter_, 1)
        assert done.wait(10), "no SUBACK"

    def publish(self, topic, payload, correlation=b"17"):
        properties = Properties(PacketTypes.PUBLISH)
        properties.CorrelationData = correlation
        self._client.publish(topic, payload, 1, properties=properties).wait_for_publish(10)

    def ask(self, **question):
        """The hub's answer."""
        self.subscribe(f"tb/v1/{self.id}/down/enrol")
        mine = uuid.uuid4().bytes
        self.publish(f"tb/v1/{self.id}/up/enrol", json.dumps(question), mine)
        while True:
            message = self.received.get(timeout=20)
            if message.properties.CorrelationData == mine:
                return json.loads(message.payload)

    def nothing_comes(self, seconds=0.5):
        try:
            self.received.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

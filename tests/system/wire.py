"""Plain MQTT 5 clients, for tests that look at the road or misuse it."""

import hashlib
import json
import queue
import ssl
import threading
import time
import uuid

import paho.mqtt.client as mqtt
import zstandard
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from road.road import HOST, ROOT

WAIT_S = 30
DICTIONARY = ROOT / "sync" / "contract" / "events-1.dict"
UNPACK = {
    None: lambda payload: payload,
    "zstd-events-1": zstandard.ZstdDecompressor(
        dict_data=zstandard.ZstdCompressionDict(DICTIONARY.read_bytes())
    ).decompress,
}


def properties_of(message):
    return dict(getattr(message.properties, "UserProperty", []))


def text_of(message):
    """The payload as it is once its content-encoding is undone."""
    return UNPACK[properties_of(message).get("content-encoding")](message.payload)


class _Client(mqtt.Client):
    """One thread has the connection; TLS bears no second one."""

    def loop_forever(self, *args, **kwargs):
        try:
            return super().loop_forever(*args, **kwargs)
        except OSError:  # the broker cut us off within TLS
            self.on_disconnect(self, None, mqtt.MQTT_ERR_CONN_LOST)
            return mqtt.MQTT_ERR_CONN_LOST


class Peer:
    """A client that keeps what came. Connected when it is made; raises ConnectionError with the broker's
    reason otherwise."""

    def __init__(self, client_id, tls, port, user=None):
        self.received = queue.Queue()
        self.lost = threading.Event()
        self._connected = queue.Queue()
        self._client = _Client(client_id, protocol=mqtt.MQTTv5, reconnect_on_failure=False)
        if user:
            self._client.username_pw_set(user, "guess")
        self._client.tls_set_context(tls)
        self._client.on_connect = lambda c, u, flags, reason, p: self._connected.put(reason)
        self._client.on_message = lambda c, u, message: self.received.put(message)
        self._client.on_disconnect = lambda *_: self._end()
        self._client.connect(HOST, port, keepalive=30)
        self._client.loop_start()
        try:
            reason = self._connected.get(timeout=WAIT_S)
        except queue.Empty:
            reason = None
        if reason is None:
            self.close()
            raise ConnectionError("the broker did not answer")
        if reason.value != 0:
            self.close()
            raise ConnectionError(str(reason))

    def _end(self):
        self.lost.set()
        self._connected.put(None)

    def subscribe(self, filter_):
        done = threading.Event()
        self._client.on_subscribe = lambda *_: done.set()
        self._client.subscribe(filter_, 1)
        assert done.wait(WAIT_S), "no SUBACK"

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Wire(Peer):
    """At the appliances' broker, with a certificate."""

    def __init__(self, road, identity, client_id, ca=None):
        tls = ssl.create_default_context(cafile=str(ca or identity / "ca.pem"))
        if identity:
            tls.load_cert_chain(identity / "current.pem")
        super().__init__(client_id, tls, road.broker_port)

    def publish(self, topic, payload, properties=None, wait=True):
        """Returns when the broker has answered; that says nothing about delivery."""
        carried = None
        if properties:
            carried = Properties(PacketTypes.PUBLISH)
            carried.UserProperty = [(key, str(value)) for key, value in properties.items()]
        sent = self._client.publish(topic, payload, 1, properties=carried)
        if wait:
            sent.wait_for_publish(WAIT_S)

    def publish_as(self, message, payload, topic):
        """The same once more, as if its sender had sent it, but for what is given."""
        self._client.publish(topic, payload, 1, properties=message.properties)

    def drain(self, quiet_s=0.5):
        """All that came, once nothing more comes."""
        found = []
        while True:
            try:
                found.append(self.received.get(timeout=quiet_s))
            except queue.Empty:
                return found

    def until(self, ending):
        """All that came, up to what has a topic that ends so."""
        found = [self.received.get(timeout=WAIT_S)]
        while not found[-1].topic.endswith(ending):
            found.append(self.received.get(timeout=WAIT_S))
        return found

    def next_from(self, log_id):
        """The next acknowledgement of that log; one of another may still be on its way."""
        while True:
            ack = json.loads(self.received.get(timeout=WAIT_S).payload)
            if ack["log_id"] == str(log_id):
                return ack


def event(device, **changes):
    """One that the hub would take."""
    return_id = str(uuid.uuid4())
    made = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": f"/store/0666/device/{device}",
        "type": "com.tillback.item.received.v1",
        "subject": f"return/{return_id}",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "datacontenttype": "application/json",
        "correlationid": return_id,
        "sequence": "0000000001",
        "bootid": str(uuid.uuid4()),
        "monotonicms": "1",
        "timetrusted": True,
        "data": {"lines": [{"line": 1, "quantity": 1, "condition": "new_sealed"}]},
    }
    made.update(changes)
    return json.dumps(made).encode()


def batch(bodies, log_id=None, first=1, **changes):
    """(payload, properties) as an appliance would send them."""
    log_id = log_id or uuid.uuid4()
    chain = before = hashlib.sha256(b"tillback-log" + log_id.bytes).digest()
    for body in bodies:
        chain = hashlib.sha256(chain + body).digest()
    properties = {
        "log_id": log_id,
        "stream": "returns",
        "first": first,
        "last": first + len(bodies) - 1,
        "prev": before.hex(),
        "hash": chain.hex(),
    }
    properties.update(changes)
    return b"[" + b",".join(bodies) + b"]", properties

/*
 * mqtt.js with a level store as a store-and-forward queue, for the comparison with others
 * (toolchain/bench-peers).
 *
 *   node mqttjs_peer.mjs accept  URL CA IDENTITY STATE TOPIC BODIES   takes each line, offline
 *   node mqttjs_peer.mjs deliver URL CA IDENTITY STATE TOPIC          sends what STATE holds
 *
 * Says "accepted COUNT SECONDS" when the store has the last line, and stays until it is killed, as
 * it does after "delivering".
 */
import { createReadStream, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import mqtt from "mqtt";
import levelStore from "mqtt-level-store";

const [mode, url, ca, identity, state, topic, bodies] = process.argv.slice(2);
const { incoming: incomingStore, outgoing: outgoingStore } = levelStore(state);
const client = mqtt.connect(url, {
  ca: readFileSync(ca),
  cert: readFileSync(identity),
  key: readFileSync(identity),
  clientId: "mqttjs-peer",
  protocolVersion: 5,
  clean: false,
  reconnectPeriod: 500,
  incomingStore,
  outgoingStore,
});
client.on("error", (error) => console.error(error.message));

function take(body) {
  return new Promise((resolve, reject) => {
    client.publish(topic, body, { qos: 1, cbStorePut: resolve }, (error) => error && reject(error));
  });
}

if (mode === "accept") {
  const began = performance.now();
  let count = 0;
  for await (const line of createInterface({ input: createReadStream(bodies) })) {
    await take(line);
    count++;
  }
  console.log(`accepted ${count} ${((performance.now() - began) / 1000).toFixed(3)}`);
} else {
  console.log("delivering");
}

/*
 * Eclipse Paho C with file persistence as a store-and-forward queue, for the comparison with others
 * (toolchain/bench-peers).
 *
 *   paho_peer accept  URL CA IDENTITY STATE TOPIC BODIES   takes each line of BODIES, offline
 *   paho_peer deliver URL CA IDENTITY STATE TOPIC          sends what STATE holds
 *
 * Says "accepted COUNT SECONDS" when the library has taken the last line, and stays until it is
 * killed, as it does after "delivering".
 */
#include "tests/bench/raw.h"

#include <MQTTAsync.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY_MAX = 64 * 1024, BUFFERED_MAX = 1000000, KEEPALIVE_S = 20 };

static void must(int code, const char *what)
{
    if (code == MQTTASYNC_SUCCESS)
        return;
    (void)fprintf(stderr, "paho_peer: %s: %d\n", what, code);
    exit(1);
}

static MQTTAsync open_client(const char *url, char *state)
{
    MQTTAsync client = NULL;
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer5;
    options.sendWhileDisconnected = 1;
    options.allowDisconnectedSendAtAnyTime = 1;
    options.maxBufferedMessages = BUFFERED_MAX;
    must(MQTTAsync_createWithOptions(&client, url, "paho-peer", MQTTCLIENT_PERSISTENCE_DEFAULT,
                                     state, &options),
         "create");
    return client;
}

static void accept_all(MQTTAsync client, const char *topic, const char *path)
{
    static char body[BODY_MAX];
    FILE *bodies = fopen(path, "r");
    long count = 0;
    double began = raw_seconds();
    must(bodies ? MQTTASYNC_SUCCESS : MQTTASYNC_FAILURE, path);
    for (; fgets(body, sizeof body, bodies); count++) {
        MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
        must(MQTTAsync_send(client, topic, (int)strcspn(body, "\n"), body, 1, 0, &options), "send");
    }
    (void)printf("accepted %ld %.3f\n", count, raw_seconds() - began);
    (void)fclose(bodies);
}

static void on_failure(void *context, MQTTAsync_failureData5 *data)
{
    (void)context;
    (void)fprintf(stderr, "paho_peer: connect: %d %s\n", data->code,
                  data->message ? data->message : "");
}

static void deliver(MQTTAsync client, const char *ca, const char *identity)
{
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer5;
    tls.trustStore = ca;
    tls.keyStore = identity;
    tls.privateKey = identity;
    options.ssl = &tls;
    options.keepAliveInterval = KEEPALIVE_S;
    options.cleanstart = 0;
    options.automaticReconnect = 1;
    options.onFailure5 = on_failure;
    must(MQTTAsync_connect(client, &options), "connect");
    (void)printf("delivering\n");
}

int main(int argc, char **argv)
{
    bool accepts = argc == 8 && strcmp(argv[1], "accept") == 0;
    if (!accepts && !(argc == 7 && strcmp(argv[1], "deliver") == 0))
        return 2;
    MQTTAsync client = open_client(argv[2], argv[5]);
    if (accepts)
        accept_all(client, argv[6], argv[7]);
    else
        deliver(client, argv[3], argv[4]);
    (void)fflush(stdout);
    for (;;)
        (void)pause();
}

/*
 * A fleet of appliances in one process: each with an identity of its own, a TLS session and an MQTT
 * session, telling its state, taking signed configurations by the product's own rules and reporting
 * them. What is light is the MQTT client, and that a configuration is checked but followed by
 * nothing. One loop, one thread.
 */
#include "hal/base/cleanup.h"
#include "hal/storage.h"
#include "tests/sim/box.h"
#include "tests/sim/identity.h"
#include "tests/sim/sim.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    DIALS_MAX = 32, /* handshakes at a time: more would only time out */
    DIAL_TIMEOUT_MS = 60000,
    KEEPALIVE_S = 120,
    PING_AFTER_MS = 60000,
    TICK_MS = 1000,
    IN_MAX = 1024 * 1024,
    OUT_MAX = 64 * 1024,
    READ_SIZE = 16 * 1024,
    DESCRIPTORS_BESIDES = 100,
    GROWTH = 100, /* events a second */
};

struct fleet {
    struct box_world world;
    struct loop_timer *tick;
    struct loop_signal *signals[2];
    struct url url;
    char folder[PATH_MAX];
    struct box *boxes;
    size_t count;
    size_t next; /* to look at for dialling */
    size_t dialing;
    size_t subscribed;
    size_t settled; /* answered the newest version seen */
    int64_t newest;
    int64_t began_ms; /* monotonic: the start, then the first of the newest version */
    bool told_ready;
    size_t lost;
};

static int fail(const struct fault *fault)
{
    (void)fprintf(stderr, "tillback-sim: %s%s%s\n", fault->where, fault->where[0] ? ": " : "",
                  fault->text);
    return 1;
}

static int64_t now_ms(const struct fleet *fleet)
{
    return loop_now_ms(fleet->world.loop);
}

static long peak_mib(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

/* --- Identities ------------------------------------------------------------------------------ */

static enum err open_identities(struct fleet *fleet, const char *state, struct fault *fault)
{
    struct authority *authority CLEANUP(authority_cleanup) = NULL;
    char path[PATH_MAX];
    const int64_t began = now_ms(fleet);
    enum err err = storage_path(path, PATH_MAX, state, "ca") ? ERR_TOO_LARGE : ERR_OK;
    if (!err)
        err = authority_open(&authority, path, fault);
    if (!err)
        err = storage_path(fleet->folder, PATH_MAX, state, "fleet") ? ERR_TOO_LARGE : ERR_OK;
    if (!err)
        err = storage_make_folder(fleet->folder, fault);
    if (!err)
        err = storage_path(path, PATH_MAX, fleet->folder, "ca.pem") ? ERR_TOO_LARGE : ERR_OK;
    if (!err)
        err = storage_replace(path, authority_pem(authority), 0600, fault);
    if (!err)
        err = certificate_parse(authority_pem(authority), "ca", &fleet->world.ca, fault);
    for (size_t i = 0; !err && i < fleet->count; i++)
        err = identity_open(fleet->folder, fleet->boxes[i].device, authority, fleet->world.clock,
                            &fleet->boxes[i].tls, fault);
    if (!err)
        (void)printf("identities=%zu seconds=%.1f\n", fleet->count,
                     (double)(now_ms(fleet) - began) / 1000);
    return err;
}

/* --- Connections ----------------------------------------------------------------------------- */

static void lose(struct box *box)
{
    struct fleet *fleet = box->fleet;
    tls_stream_close(box->stream);
    box->stream = NULL;
    buf_free(&box->in);
    buf_free(&box->out);
    buf_init(&box->in, IN_MAX);
    buf_init(&box->out, OUT_MAX);
    fleet->subscribed -= box->subscribed;
    fleet->lost += box->subscribed;
    box->subscribed = false;
}

static void on_subscribed(struct box *box)
{
    struct fleet *fleet = box->fleet;
    box->subscribed = true;
    fleet->subscribed++;
    box_tell_state(box);
    box_tell_report(box);
    if (fleet->subscribed < fleet->count || fleet->told_ready)
        return;
    fleet->told_ready = true;
    (void)printf("ready fleet=%zu seconds=%.1f peak_mib=%ld\n", fleet->count,
                 (double)(now_ms(fleet) - fleet->began_ms) / 1000, peak_mib());
    (void)fflush(stdout);
}

static void count_settled(struct box *box, bool taken)
{
    struct fleet *fleet = box->fleet;
    if (!taken)
        return;
    if (box->report.version > fleet->newest) {
        fleet->newest = box->report.version;
        fleet->settled = 0;
        fleet->began_ms = now_ms(fleet);
    }
    if (box->report.version == fleet->newest && ++fleet->settled == fleet->count)
        (void)printf("settled version=%lld seconds=%.1f peak_mib=%ld\n", (long long)fleet->newest,
                     (double)(now_ms(fleet) - fleet->began_ms) / 1000, peak_mib());
    (void)fflush(stdout);
}

static void take_publish(struct box *box, const struct packet *packet)
{
    struct topic topic;
    char text[TOPIC_MAX];
    (void)snprintf(text, sizeof text, "%.*s", (int)packet->topic.len, packet->topic.data);
    if (packet->qos)
        packet_puback(&box->out, packet->id);
    if (topic_read(text, &topic) == ERR_OK && strcmp(topic.name, "config") == 0)
        count_settled(box, box_take_config(box, packet->payload));
    else if (topic_read(text, &topic) == ERR_OK && strncmp(topic.name, "cmd/", 4) == 0)
        box_take_command(box, packet);
    box_flush(box);
}

/* False when the connection is no good any more. */
static bool take_packet(struct box *box, const struct packet *packet)
{
    char filter[TOPIC_MAX];
    switch (packet->type) {
    case PACKET_CONNACK:
        if (packet->reason)
            return false;
        (void)snprintf(filter, sizeof filter, "tb/v1/%s/down/#", box->device);
        packet_subscribe(&box->out, 1, filter);
        box->next_id = 1;
        box_flush(box);
        return true;
    case PACKET_SUBACK:
        if (packet->reason > 2)
            return false;
        on_subscribed(box);
        return true;
    case PACKET_PUBLISH:
        take_publish(box, packet);
        return true;
    case PACKET_PUBACK:
        return packet->reason < 0x80;
    case PACKET_DISCONNECT:
        return false;
    default:
        return true;
    }
}

static bool take_packets(struct box *box)
{
    struct packet packet;
    size_t used = 1;
    while (used) {
        if (packet_read(buf_slice(&box->in), &packet, &used) != ERR_OK ||
            (used && !take_packet(box, &packet)))
            return false;
        buf_consume(&box->in, used);
    }
    if (!box->in.len)
        buf_free(&box->in);
    return !box->in.failed;
}

static void on_readable(void *context)
{
    struct box *box = context;
    char piece[READ_SIZE];
    size_t len;
    enum err err;
    while ((err = tls_stream_read(box->stream, piece, sizeof piece, &len)) == ERR_OK && len)
        buf_append(&box->in, piece, len);
    if (err || !take_packets(box))
        lose(box);
}

static void on_writable(void *context)
{
    box_flush(context);
}

static void on_closed(void *context, enum err err, const struct fault *fault)
{
    (void)err;
    (void)fault;
    lose(context);
}

static void dial_more(struct fleet *fleet);

static void on_dialled(void *context, struct tls_stream *stream, const struct fault *fault)
{
    struct box *box = context;
    const struct tls_listener listener = {
        .readable = on_readable, .writable = on_writable, .closed = on_closed, .context = box};
    dial_close(box->dial);
    box->dial = NULL;
    box->fleet->dialing--;
    if (stream) {
        box->stream = stream;
        tls_stream_listen(stream, &listener);
        tls_stream_want_read(stream, true);
        packet_connect(&box->out, box->device, KEEPALIVE_S);
        box_flush(box);
    } else {
        (void)fprintf(stderr, "%s: %s\n", box->device, fault->text);
    }
    dial_more(box->fleet);
}

static void dial_one(struct box *box)
{
    struct fleet *fleet = box->fleet;
    struct fault fault;
    const struct dial_config config = {.host = fleet->url.host,
                                       .port = fleet->url.port,
                                       .tls = box->tls,
                                       .timeout_ms = DIAL_TIMEOUT_MS};
    fleet->dialing++;
    if (dial_open(&box->dial, fleet->world.loop, &config, on_dialled, box, &fault) != ERR_OK) {
        fleet->dialing--;
        (void)fail(&fault);
    }
}

static void dial_more(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->count && fleet->dialing < DIALS_MAX; i++) {
        struct box *box = &fleet->boxes[fleet->next];
        if (box->stream || box->dial) {
            fleet->next = (fleet->next + 1) % fleet->count;
            continue;
        }
        dial_one(box);
    }
}

static void on_tick(void *context)
{
    struct fleet *fleet = context;
    for (size_t i = 0; i < fleet->count; i++) {
        struct box *box = &fleet->boxes[i];
        if (box->subscribed && now_ms(fleet) - box->wrote_ms > PING_AFTER_MS) {
            packet_ping(&box->out);
            box_flush(box);
        }
        if (box->subscribed && box->grows && box->report.version) {
            box->waiting += GROWTH;
            box_tell_state(box);
        }
    }
    dial_more(fleet);
}

static void on_signal(void *context)
{
    struct fleet *fleet = context;
    loop_stop(fleet->world.loop);
}

/* --- The program ----------------------------------------------------------------------------- */

/* A descriptor for each appliance, and some besides. */
static enum err raise_limit(size_t count, struct fault *fault)
{
    struct rlimit limit;
    const rlim_t wanted = count + DESCRIPTORS_BESIDES;
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= wanted)
        return ERR_OK;
    limit.rlim_cur = wanted;
    if (limit.rlim_max < wanted)
        limit.rlim_max = wanted;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0
               ? ERR_OK
               : fault_set(fault, ERR_REFUSED, "RLIMIT_NOFILE", "%zu descriptors are not to be had",
                           (size_t)wanted);
}

static enum err open_fleet(struct fleet *fleet, int argc, char **argv, struct fault *fault)
{
    const char *state = sim_option(argc, argv, "--state", NULL);
    const char *url = sim_option(argc, argv, "--url", NULL);
    const char *prefix = sim_option(argc, argv, "--prefix", "sim");
    const long refusing = sim_number(argc, argv, "--refuse", 0);
    const long silent = sim_number(argc, argv, "--silent", 0);
    const long growing = sim_number(argc, argv, "--grow", 0);
    if (!state || !url || !fleet->count)
        return fault_set(fault, ERR_INVALID, "fleet", "needs N, --state and --url");
    enum err err = url_parse(url, "--url", 8883, &fleet->url, fault);
    if (!err)
        err = raise_limit(fleet->count, fault);
    if (!err)
        err = clock_open(&fleet->world.clock, 0, fault);
    if (!err)
        err = loop_open(&fleet->world.loop, fault);
    if (!err)
        err = loop_signal_open(fleet->world.loop, SIGTERM, on_signal, fleet, &fleet->signals[0],
                               fault);
    if (!err)
        err = loop_signal_open(fleet->world.loop, SIGINT, on_signal, fleet, &fleet->signals[1],
                               fault);
    if (!err && !(fleet->boxes = calloc(fleet->count, sizeof *fleet->boxes)))
        err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    for (size_t i = 0; !err && i < fleet->count; i++) {
        struct box *box = &fleet->boxes[i];
        box->fleet = fleet;
        box->world = &fleet->world;
        box->refuses = (long)i < refusing;
        box->silent = (long)i < silent;
        box->grows = (long)i < growing;
        (void)snprintf(box->device, sizeof box->device, "%.32s-%05zu", prefix, i + 1);
        buf_init(&box->in, IN_MAX);
        buf_init(&box->out, OUT_MAX);
    }
    return err ? err : open_identities(fleet, state, fault);
}

static void close_fleet(struct fleet *fleet)
{
    for (size_t i = 0; fleet->boxes && i < fleet->count; i++) {
        dial_close(fleet->boxes[i].dial);
        lose(&fleet->boxes[i]);
        tls_context_close(fleet->boxes[i].tls);
        buf_free(&fleet->boxes[i].in);
        buf_free(&fleet->boxes[i].out);
    }
    free(fleet->boxes);
    certificate_free(fleet->world.ca);
    loop_timer_close(fleet->tick);
    loop_signal_close(fleet->signals[0]);
    loop_signal_close(fleet->signals[1]);
    loop_close(fleet->world.loop);
    clock_close(fleet->world.clock);
}

int sim_fleet(int argc, char **argv)
{
    struct fleet fleet = {.count = argc ? (size_t)strtoul(argv[0], NULL, 10) : 0};
    struct fault fault = {0};
    enum err err = open_fleet(&fleet, argc, argv, &fault);
    if (!err) {
        fleet.tick = loop_timer_open(fleet.world.loop, on_tick, &fleet);
        err = fleet.tick ? ERR_OK : fault_set(&fault, ERR_NO_MEMORY, "", "out of memory");
    }
    if (!err) {
        fleet.began_ms = now_ms(&fleet);
        loop_timer_start(fleet.tick, 0, TICK_MS);
        loop_run(fleet.world.loop);
        (void)printf("ended lost=%zu peak_mib=%ld\n", fleet.lost, peak_mib());
    }
    close_fleet(&fleet);
    return err ? fail(&fault) : 0;
}

/*
 * A fleet of appliances in one process: each with an identity of its own, a TLS session and an MQTT
 * session, telling its state, taking signed configurations by the product's own rules and reporting
 * them. What is light is the MQTT client, and that a configuration is checked but followed by
 * nothing. One loop, one thread.
 */
#include "hal/base/cleanup.h"
#include "hal/base/random.h"
#include "hal/storage.h"
#include "provisioning/authority.h"
#include "sync/config/desired.h"
#include "sync/contract/command.h"
#include "sync/contract/link_state.h"
#include "sync/contract/topic.h"
#include "sync/transport/dial.h"
#include "tests/sim/packet.h"
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
    DAYS = 397,
    DESCRIPTORS_BESIDES = 100,
    GROWTH = 100, /* events a second */
};

struct fleet;

struct box {
    struct fleet *fleet;
    char device[DEVICE_ID_MAX + 1];
    struct tls_context *tls;
    struct dial *dial;
    struct tls_stream *stream;
    struct buf in;
    struct buf out;
    struct config_report report;
    int64_t wrote_ms;
    uint16_t next_id;
    bool refuses; /* every configuration */
    bool silent;  /* takes it, and never says so */
    bool grows;   /* takes it, and from then on more and more of its events wait */
    int64_t waiting;
    bool subscribed;
};

struct fleet {
    struct loop *loop;
    struct clock *clock;
    struct loop_timer *tick;
    struct loop_signal *signals[2];
    struct url url;
    char folder[PATH_MAX];
    mbedtls_x509_crt *ca;
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
    return loop_now_ms(fleet->loop);
}

static long peak_mib(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

/* --- Identities ------------------------------------------------------------------------------ */

static enum err path_of(const struct fleet *fleet, const char *name, char path[static PATH_MAX],
                        struct fault *fault)
{
    return storage_path(path, PATH_MAX, fleet->folder, name)
               ? fault_set(fault, ERR_TOO_LARGE, fleet->folder, "the path is too long")
               : ERR_OK;
}

/* Key and certificate in one file, as an appliance keeps them; kept for the next run. */
static enum err make_identity(struct fleet *fleet, struct authority *authority,
                              const struct box *box, const char *path, struct fault *fault)
{
    struct key *key CLEANUP(key_cleanup) = NULL;
    struct buf pem CLEANUP(key_wipe);
    const int64_t now = clock_wall_ms(fleet->clock);
    const struct authority_order order = {
        .purpose = CERTIFICATE_DEVICE, .name = box->device, .validity = authority_days(now, DAYS)};
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    enum err err = key_make(&key, fault);
    if (!err)
        err = key_print(key, &pem, fault);
    if (!err)
        err = authority_issue(authority, &order, key_pk(key), now, &pem, fault);
    return err ? err : storage_replace(path, buf_slice(&pem), 0600, fault);
}

static enum err open_identity(struct fleet *fleet, struct authority *authority, struct box *box,
                              struct fault *fault)
{
    char path[PATH_MAX];
    char ca[PATH_MAX];
    char name[DEVICE_ID_MAX + 8];
    struct buf there CLEANUP(buf_free);
    buf_init(&there, CERTIFICATE_PEM_MAX);
    (void)snprintf(name, sizeof name, "%s.pem", box->device);
    enum err err = path_of(fleet, name, path, fault);
    if (!err)
        err = path_of(fleet, "ca.pem", ca, fault);
    if (!err && storage_read(path, &there, NULL) != ERR_OK)
        err = make_identity(fleet, authority, box, path, fault);
    const struct tls_config tls = {.role = TLS_CLIENT,
                                   .ca_file = ca,
                                   .certificate_file = path,
                                   .key_file = path,
                                   .clock = fleet->clock};
    return err ? err : tls_context_open(&box->tls, &tls, fault);
}

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
        err = path_of(fleet, "ca.pem", path, fault);
    if (!err)
        err = storage_replace(path, authority_pem(authority), 0600, fault);
    if (!err)
        err = certificate_parse(authority_pem(authority), "ca", &fleet->ca, fault);
    for (size_t i = 0; !err && i < fleet->count; i++)
        err = open_identity(fleet, authority, &fleet->boxes[i], fault);
    if (!err)
        (void)printf("identities=%zu seconds=%.1f\n", fleet->count,
                     (double)(now_ms(fleet) - began) / 1000);
    return err;
}

/* --- Sending --------------------------------------------------------------------------------- */

static void flush(struct box *box)
{
    size_t len = 0;
    while (box->stream && box->out.len &&
           tls_stream_write(box->stream, box->out.data, box->out.len, &len) == ERR_OK && len)
        buf_consume(&box->out, len);
    box->wrote_ms = now_ms(box->fleet);
    if (!box->out.len)
        buf_free(&box->out);
}

static void publish(struct box *box, const char *name, struct slice payload, bool retain,
                    struct slice correlation)
{
    char topic[TOPIC_MAX];
    topic_write(topic, box->device, TOPIC_UP, name);
    box->next_id = (uint16_t)(box->next_id % UINT16_MAX + 1);
    packet_publish(&box->out, box->next_id, topic, payload, retain, correlation);
    flush(box);
}

static void tell_state(struct box *box)
{
    struct buf text CLEANUP(buf_free);
    struct id_source ids;
    const int64_t wall = clock_wall_ms(box->fleet->clock);
    id_source_init(&ids, NULL, NULL);
    const struct link_state state = {
        .session = id_next(&ids, wall), .online = true, .time_ms = wall, .waiting = {box->waiting}};
    buf_init(&text, LINK_STATE_BYTES_MAX);
    struct jsonw w = jsonw_to(&text);
    jsonw_object(&w, NULL);
    link_state_write(&w, &state);
    jsonw_end(&w);
    publish(box, "state", buf_slice(&text), true, (struct slice){"", 0});
}

static void tell_report(struct box *box)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, CONFIG_REPORT_BYTES_MAX);
    config_report_write(&text, &box->report);
    publish(box, "config", buf_slice(&text), true, (struct slice){"", 0});
}

/* --- Configurations and commands ------------------------------------------------------------- */

static void count_settled(struct box *box)
{
    struct fleet *fleet = box->fleet;
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

static void take_config(struct box *box, struct slice envelope)
{
    struct buf text CLEANUP(buf_free);
    struct config config;
    struct fault fault = {0};
    enum desired_verdict verdict = DESIRED_KNOWN;
    const struct desired_rules rules = {
        .signer = {.now_ms = clock_wall_ms(box->fleet->clock), .ca = box->fleet->ca},
        .device = box->device,
        .store = "",
        .known = &box->report,
    };
    buf_init(&text, CONFIG_BYTES_MAX);
    enum err err = desired_open(envelope, &rules, &text, &config, &verdict, &fault);
    if (err) {
        (void)fprintf(stderr, "%s: %s: %s\n", box->device, fault.where, fault.text);
        return;
    }
    if (verdict == DESIRED_KNOWN) {
        tell_report(box);
        return;
    }
    box->report.version = box->report.seen = config.version;
    box->report.hash = config_hash(buf_slice(&text));
    box->report.state = CONFIG_STATE_REJECTED;
    if (box->refuses)
        (void)fault_set(&fault, ERR_REFUSED, "settings", "this box was told to refuse");
    else if (config_settings_check(config.settings, &fault) == ERR_OK) {
        box->report.state = CONFIG_STATE_APPLIED;
        box->report.applied_version = config.version;
        box->report.applied = box->report.hash;
    }
    (void)snprintf(box->report.path, sizeof box->report.path, "%s", fault.where);
    (void)snprintf(box->report.reason, sizeof box->report.reason, "%s", fault.text);
    if (!box->silent)
        tell_report(box);
    count_settled(box);
}

static void take_command(struct box *box, const struct packet *packet)
{
    struct buf text CLEANUP(buf_free);
    struct buf answer CLEANUP(buf_free);
    struct command command;
    const struct verify_rules rules = {.now_ms = clock_wall_ms(box->fleet->clock),
                                       .ca = box->fleet->ca};
    buf_init(&text, COMMAND_BYTES_MAX);
    buf_init(&answer, COMMAND_REPLY_BYTES_MAX);
    if (envelope_open(COMMAND_ENVELOPE, packet->payload, &rules, &text, NULL) != ERR_OK ||
        command_read(buf_slice(&text), &command, NULL) != ERR_OK)
        return;
    const struct command_reply reply = {
        .id = command.id,
        .outcome = command.name == COMMAND_STATUS ? COMMAND_DONE : COMMAND_REFUSED,
        .detail = "a simulated appliance",
    };
    command_reply_write(&answer, &reply);
    publish(box, "reply", buf_slice(&answer), false, packet->correlation);
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
    tell_state(box);
    tell_report(box);
    if (fleet->subscribed < fleet->count || fleet->told_ready)
        return;
    fleet->told_ready = true;
    (void)printf("ready fleet=%zu seconds=%.1f peak_mib=%ld\n", fleet->count,
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
        take_config(box, packet->payload);
    else if (topic_read(text, &topic) == ERR_OK && strncmp(topic.name, "cmd/", 4) == 0)
        take_command(box, packet);
    flush(box);
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
        flush(box);
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
    flush(context);
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
        flush(box);
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
    if (dial_open(&box->dial, fleet->loop, &config, on_dialled, box, &fault) != ERR_OK) {
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
            flush(box);
        }
        if (box->subscribed && box->grows && box->report.version) {
            box->waiting += GROWTH;
            tell_state(box);
        }
    }
    dial_more(fleet);
}

static void on_signal(void *context)
{
    struct fleet *fleet = context;
    loop_stop(fleet->loop);
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
        err = clock_open(&fleet->clock, 0, fault);
    if (!err)
        err = loop_open(&fleet->loop, fault);
    if (!err)
        err = loop_signal_open(fleet->loop, SIGTERM, on_signal, fleet, &fleet->signals[0], fault);
    if (!err)
        err = loop_signal_open(fleet->loop, SIGINT, on_signal, fleet, &fleet->signals[1], fault);
    fleet->boxes = calloc(fleet->count, sizeof *fleet->boxes);
    if (!err && !fleet->boxes)
        err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    for (size_t i = 0; !err && i < fleet->count; i++) {
        struct box *box = &fleet->boxes[i];
        box->fleet = fleet;
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
    certificate_free(fleet->ca);
    loop_timer_close(fleet->tick);
    loop_signal_close(fleet->signals[0]);
    loop_signal_close(fleet->signals[1]);
    loop_close(fleet->loop);
    clock_close(fleet->clock);
}

int sim_fleet(int argc, char **argv)
{
    struct fleet fleet = {.count = argc ? (size_t)strtoul(argv[0], NULL, 10) : 0};
    struct fault fault = {0};
    enum err err = open_fleet(&fleet, argc, argv, &fault);
    if (!err) {
        fleet.tick = loop_timer_open(fleet.loop, on_tick, &fleet);
        err = fleet.tick ? ERR_OK : fault_set(&fault, ERR_NO_MEMORY, "", "out of memory");
    }
    if (!err) {
        fleet.began_ms = now_ms(&fleet);
        loop_timer_start(fleet.tick, 0, TICK_MS);
        loop_run(fleet.loop);
        (void)printf("ended lost=%zu peak_mib=%ld\n", fleet.lost, peak_mib());
    }
    close_fleet(&fleet);
    return err ? fail(&fault) : 0;
}

/* The road to the broker, up to its TLS handshake; no MQTT is spoken. */
#include "agent/service/check.h"
#include "hal/base/cleanup.h"
#include "hal/base/rfc3339.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LOOKUP_MS = 10000,
    CONNECT_MS = 5000,
    HANDSHAKE_MS = 15000,
    PATH_BYTES = 512,
    ADDRESSES_MAX = 8,
    DAY_MS = 24 * 60 * 60 * 1000,
    CRL_WARN_DAYS = 2,
};

static const char no_broker[] = "no broker is set up";
static const char no_port[] = "nothing can be reached there";

/* --- Identity -------------------------------------------------------------------------------- */

void check_identity(struct examination *x)
{
    const struct membership *member = x->subject->member;
    if (!member)
        finding_set(x->at, FINDING_FAIL,
                    "Don't copy keys by hand: provision it again, or ask for a replacement.",
                    "%s: %s", x->subject->member_fault->where, x->subject->member_fault->text);
    else if (member->trouble.code == ERR_UNREACHABLE)
        finding_set(
            x->at, FINDING_FAIL,
            "Put the token or the files back: it goes online by itself. If they are lost: "
            "tillback provision, with a new code from the hub. Returns are saved meanwhile.",
            "%s: %.250s", member->trouble.where, member->trouble.text);
    else if (member->trouble.code)
        finding_set(x->at, FINDING_FAIL,
                    "Don't copy keys by hand: provision it again, or ask for a replacement. "
                    "Returns are saved meanwhile.",
                    "%s: %.250s", member->trouble.where, member->trouble.text);
    else if (!member->enrolled)
        finding_set(x->at, FINDING_WARN, "Get a code from the hub, and run tillback provision.",
                    "not enrolled: returns are captured and wait here");
    else
        finding_set(x->at, FINDING_OK, "", "%s of store %s", member->device, member->store);
}

static struct identity *open_identity(const struct examination *x, struct fault *fault)
{
    struct identity *identity = NULL;
    const struct membership *member = x->subject->member;
    if (!member || !member->enrolled)
        return NULL;
    enum err err = identity_open_public(&identity, member->folder, IDENTITY_CURRENT, fault);
    return err ? NULL : identity;
}

void check_crl(struct examination *x)
{
    static const char next[] =
        "The hub sends a new one when there is a link; at the hub: tillback-hub ca crl.";
    struct fault fault = {0};
    struct identity *identity CLEANUP(identity_cleanup) = open_identity(x, &fault);
    mbedtls_x509_crl *crl = identity ? identity_crl(identity) : NULL;
    if (!crl) {
        finding_set(x->at, FINDING_SKIPPED, "", "there is no revocation list here");
        return;
    }
    char day[RFC3339_TEXT + 1];
    int64_t until_ms = crl_next_update_ms(crl);
    int64_t left_ms = until_ms - clock_wall_ms(x->subject->clock);
    rfc3339_format(until_ms, day);
    if (left_ms < 0)
        finding_set(x->at, FINDING_WARN, next, "the revocation list was good until %s", day);
    else if (left_ms < (int64_t)CRL_WARN_DAYS * DAY_MS)
        finding_set(x->at, FINDING_WARN, next, "the revocation list is good until %s only", day);
    else
        finding_set(x->at, FINDING_OK, "", "the revocation list is good until %s", day);
}

/* --- Link and names -------------------------------------------------------------------------- */

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strcmp(host, "localhost") == 0;
}

/* The first hop: the proxy when there is one. */
static const char *hop(const struct examination *x)
{
    return x->has_proxy ? x->proxy.host : x->broker.host;
}

static bool interface_is_up(const char *folder, char *name, size_t size)
{
    char path[PATH_BYTES];
    char state[16] = "";
    (void)snprintf(path, sizeof path, "%.400s/operstate", folder);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool read = fgets(state, sizeof state, file) != NULL;
    (void)fclose(file);
    (void)snprintf(name, size, "%s", strrchr(folder, '/') + 1);
    /* A modem's doesn't know. */
    return read && strcmp(name, "lo") != 0 &&
           (strncmp(state, "up", 2) == 0 || strncmp(state, "unknown", 7) == 0);
}

void check_link(struct examination *x)
{
    char pattern[PATH_BYTES];
    char name[32] = "";
    glob_t found = {.gl_pathc = 0};
    bool up = false;
    (void)snprintf(pattern, sizeof pattern, "%s/sys/class/net/*", x->subject->root);
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; !up && i < found.gl_pathc; i++)
            up = interface_is_up(found.gl_pathv[i], name, sizeof name);
    globfree(&found);
    if (up)
        finding_set(x->at, FINDING_OK, "", "%s is up", name);
    else if (x->has_broker && is_loopback(hop(x)))
        finding_set(x->at, FINDING_SKIPPED, "", "the broker is on this machine");
    else
        finding_set(x->at, FINDING_FAIL,
                    "Look at the cable and its lamps, the switch, the modem and its SIM.",
                    "no network interface is up");
}

static void on_lookup(void *context, enum err err, const struct sockaddr_storage *addresses,
                      const socklen_t *lengths, size_t count)
{
    struct fault fault;
    (void)addresses;
    (void)lengths;
    (void)count;
    if (err)
        (void)fault_set(&fault, err, "", "%s", err_text(err));
    wait_end(context, err ? &fault : NULL);
}

void check_dns(struct examination *x)
{
    struct wait wait;
    struct loop_lookup *lookup;
    struct fault fault = {0};
    if (!x->has_broker) {
        finding_set(x->at, FINDING_SKIPPED, "", "%s", no_broker);
        return;
    }
    enum err err = wait_open(&wait, &fault);
    if (!err) {
        err =
            loop_lookup_open(wait.loop, hop(x), x->broker.port, on_lookup, &wait, &lookup, &fault);
        if (!err)
            wait_run(&wait, LOOKUP_MS);
        if (!err && wait.fault.code == ERR_TIMEOUT)
            loop_lookup_cancel(lookup);
        fault = err ? fault : wait.fault;
        wait_close(&wait);
    }
    if (fault.code)
        finding_set(x->at, FINDING_FAIL,
                    "Check the spelling of broker.url and broker.proxy, then the name servers that "
                    "the router gives (DHCP).",
                    "the name %.200s isn't known", hop(x));
    else
        finding_set(x->at, FINDING_OK, "", "the name %.200s is known", hop(x));
}

/* --- Proxy and port -------------------------------------------------------------------------- */

struct knock {
    struct wait wait;
    struct loop_poll *poll;
    struct sockaddr_storage addresses[ADDRESSES_MAX];
    socklen_t lengths[ADDRESSES_MAX];
    size_t count;
    int fd;
};

static void on_addresses(void *context, enum err err, const struct sockaddr_storage *addresses,
                         const socklen_t *lengths, size_t count)
{
    struct knock *knock = context;
    struct fault fault;
    knock->count = count < ADDRESSES_MAX ? count : ADDRESSES_MAX;
    memcpy(knock->addresses, addresses, knock->count * sizeof *addresses);
    memcpy(knock->lengths, lengths, knock->count * sizeof *lengths);
    if (err)
        (void)fault_set(&fault, err, "", "the name isn't known");
    wait_end(&knock->wait, err ? &fault : NULL);
}

static void on_socket(void *context, unsigned ready)
{
    (void)ready;
    struct knock *knock = context;
    struct fault fault;
    int error = 0;
    socklen_t len = sizeof error;
    (void)getsockopt(knock->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error)
        (void)fault_errno(&fault, error, "", "connecting");
    wait_end(&knock->wait, error ? &fault : NULL);
}

static void connect_to(struct knock *knock, size_t i)
{
    struct fault *fault = &knock->wait.fault;
    knock->wait.over = false;
    *fault = (struct fault){.code = ERR_OK};
    knock->fd =
        socket(knock->addresses[i].ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (knock->fd < 0) {
        (void)fault_errno(fault, errno, "", "making a socket");
        return;
    }
    if (connect(knock->fd, (const struct sockaddr *)&knock->addresses[i], knock->lengths[i]) < 0 &&
        errno != EINPROGRESS)
        (void)fault_errno(fault, errno, "", "connecting");
    else if (loop_poll_open(knock->wait.loop, knock->fd, on_socket, knock, &knock->poll, fault) ==
             ERR_OK) {
        loop_poll_want(knock->poll, LOOP_WRITE);
        wait_run(&knock->wait, CONNECT_MS);
    }
    loop_poll_close(knock->poll);
    knock->poll = NULL;
    (void)close(knock->fd);
}

/* Whether anything takes a TCP connection there, and hangs up again. */
static enum err knock_at(const char *host, uint16_t port, struct fault *fault)
{
    struct knock knock = {.fd = -1};
    struct loop_lookup *lookup;
    enum err err = wait_open(&knock.wait, fault);
    if (err)
        return err;
    err = loop_lookup_open(knock.wait.loop, host, port, on_addresses, &knock, &lookup, fault);
    if (!err) {
        wait_run(&knock.wait, LOOKUP_MS);
        if (knock.wait.fault.code == ERR_TIMEOUT)
            loop_lookup_cancel(lookup);
        for (size_t i = 0; i < knock.count && (i == 0 || knock.wait.fault.code); i++)
            connect_to(&knock, i);
        if (knock.wait.fault.code) {
            *fault = knock.wait.fault;
            err = fault->code;
        }
    }
    wait_close(&knock.wait);
    return err;
}

static void on_dialled(void *context, struct tls_stream *stream, const struct fault *fault)
{
    tls_stream_close(stream);
    wait_end(context, fault);
}

/* Once, for all the checks that ask how it went. */
static void dial_broker(struct examination *x)
{
    struct wait wait;
    struct dial *dial = NULL;
    struct tls_context *tls = NULL;
    struct fault *fault = &x->dial;
    const struct membership *member = x->subject->member;
    if (x->dialled || !member || !member->enrolled)
        return;
    x->dialled = true;
    enum err err = wait_open(&wait, fault);
    if (err)
        return;
    err = membership_tls(member, IDENTITY_CURRENT, x->subject->clock, &tls, fault);
    const struct dial_config config = {.host = x->broker.host,
                                       .port = x->broker.port,
                                       .proxy = x->has_proxy ? &x->proxy : NULL,
                                       .tls = tls,
                                       .timeout_ms = HANDSHAKE_MS};
    if (!err)
        err = dial_open(&dial, wait.loop, &config, on_dialled, &wait, fault);
    if (!err) {
        wait_run(&wait, 2 * HANDSHAKE_MS);
        *fault = wait.fault;
    }
    dial_close(dial);
    wait_close(&wait);
    tls_context_close(tls);
}

void check_proxy(struct examination *x)
{
    struct fault fault = {0};
    if (!x->has_broker || !x->has_proxy) {
        finding_set(x->at, FINDING_SKIPPED, "", "%s", x->has_broker ? "none is set up" : no_broker);
        return;
    }
    if (knock_at(x->proxy.host, x->proxy.port, &fault) == ERR_OK)
        dial_broker(x);
    const struct fault *why = fault.code ? &fault : &x->dial;
    if (fault.code || (why->code && strcmp(why->where, "proxy") == 0))
        finding_set(
            x->at, FINDING_FAIL,
            "Check broker.proxy and its name and password; ask who runs it to allow CONNECT "
            "to the broker.",
            "%.200s: %.200s", x->proxy.host, why->text);
    else
        finding_set(x->at, FINDING_OK, "", "%.200s lets us through", x->proxy.host);
}

void check_port(struct examination *x)
{
    struct fault fault = {0};
    if (!x->has_broker) {
        finding_set(x->at, FINDING_SKIPPED, "Set broker.url, or provision it.", "%s", no_broker);
        return;
    }
    if (x->has_proxy) {
        x->reachable = x->dialled && (x->dial.code == ERR_OK || x->dial.code == ERR_TLS);
        finding_set(x->at, FINDING_SKIPPED, "", "the proxy connects us");
        return;
    }
    if (knock_at(x->broker.host, x->broker.port, &fault)) {
        finding_set(
            x->at, FINDING_FAIL,
            "Look whether the firewall lets the port out; at the centre, whether the broker "
            "runs.",
            "port %u of %.200s: %.150s", x->broker.port, x->broker.host, fault.text);
        return;
    }
    x->reachable = true;
    dial_broker(x);
    finding_set(x->at, FINDING_OK, "", "port %u of %.200s is open", x->broker.port, x->broker.host);
}

/* --- TLS ------------------------------------------------------------------------------------- */

/* True, and said so, when no handshake could be tried. */
static bool not_dialled(struct examination *x)
{
    if (x->reachable && x->dialled)
        return false;
    finding_set(x->at, FINDING_SKIPPED, "", "%s",
                !x->has_broker  ? no_broker
                : !x->reachable ? no_port
                                : "it has no certificate yet");
    return true;
}

static bool went_wrong(const struct examination *x, const char *where)
{
    return x->dial.code && strcmp(x->dial.where, where) == 0;
}

void check_chain(struct examination *x)
{
    if (not_dialled(x))
        return;
    bool other = went_wrong(x, TLS_WHERE_NAME) || went_wrong(x, TLS_WHERE_TIME);
    if (x->dial.code && !other)
        finding_set(x->at, FINDING_FAIL,
                    "If it is the broker's certificate: does something look into TLS on the way? "
                    "If it is ours: renew or replace this appliance's identity.",
                    "%s", x->dial.text);
    else
        finding_set(x->at, FINDING_OK, "", "the broker's certificate is from our authority");
}

void check_name(struct examination *x)
{
    if (not_dialled(x))
        return;
    if (went_wrong(x, TLS_WHERE_NAME))
        finding_set(x->at, FINDING_FAIL,
                    "Correct broker.url, or issue the broker's certificate for this name.", "%s",
                    x->dial.text);
    else if (x->dial.code && !went_wrong(x, TLS_WHERE_TIME))
        finding_set(x->at, FINDING_SKIPPED, "", "the handshake failed before");
    else
        finding_set(x->at, FINDING_OK, "", "it names %.200s", x->broker.host);
}

static void judge_own(struct examination *x, const struct identity *identity)
{
    const struct settings *settings = x->subject->settings;
    char day[RFC3339_TEXT + 1];
    rfc3339_format(identity_facts(identity)->not_after_ms, day);
    switch (identity_age(identity, clock_wall_ms(x->subject->clock),
                         (unsigned)settings_int(settings, "identity.renew_percent"))) {
    case IDENTITY_EXPIRED:
        finding_set(x->at, FINDING_FAIL,
                    "It renews itself over enrol.url; if the hub refuses, provision it again.",
                    "this appliance's certificate expired on %.10s", day);
        break;
    case IDENTITY_NOT_YET:
        finding_set(x->at, FINDING_FAIL, "Set the clock.",
                    "this appliance's certificate isn't valid yet");
        break;
    case IDENTITY_RENEW:
        finding_set(x->at, FINDING_WARN, "It renews itself when there is a link; see to that.",
                    "this appliance's certificate expires on %.10s", day);
        break;
    default:
        finding_set(x->at, FINDING_OK, "", "this appliance's certificate is good until %.10s", day);
    }
}

void check_expiry(struct examination *x)
{
    struct fault fault = {0};
    struct identity *identity CLEANUP(identity_cleanup) = open_identity(x, &fault);
    if (went_wrong(x, TLS_WHERE_TIME))
        finding_set(x->at, FINDING_FAIL,
                    "Compare this appliance's clock; then renew the broker's certificate.", "%s",
                    x->dial.text);
    else if (!identity)
        finding_set(x->at, FINDING_SKIPPED, "", "it has no certificate yet");
    else
        judge_own(x, identity);
}

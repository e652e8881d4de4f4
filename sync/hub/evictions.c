#include "sync/hub/evictions.h"
#include "hal/base/cleanup.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Of no appliance; no broker lets it read or write anything. */
#define PROBE_NAME "tillback-revoked"
#define DAY_MS INT64_C(86400000)

enum {
    LIFE_MS = 5 * 60 * 1000,
    SOON_MS = 1000, /* that a broker may take to read its lists */
    LATEST_MS = 60 * 1000,
    /* No broker waits longer for a CONNECT after the handshake: Mosquitto does for 94 s. */
    HELD_BACK_MS = 2 * 60 * 1000,
};

enum proof {
    UNPROVEN,
    ASKED,  /* the probe's list has it, too */
    PROVEN, /* the broker goes by such a list */
};

struct unwelcome {
    char device[CERTIFICATE_NAME_MAX + 1];
    bool closed; /* for good; else another box has its name */
    int64_t changed_ms;
    enum proof proof;
    bool out;
    int64_t again_ms; /* 0, or when it is put out once more, by the monotonic clock */
};

struct evictions {
    struct loop *loop;
    struct evictions_config config;
    struct loop_timer *timer;
    int64_t wait_ms; /* before the next try, after one that failed */
    struct unwelcome *unwelcome;
    size_t count;
    struct tls_context *probe; /* NULL: none is needed */
    struct tls_context *pass;  /* for the name visited */
    struct visit *visit;
    char visited[CERTIFICATE_NAME_MAX + 1]; /* empty: the visit is the probe's */
};

/* --- Who ------------------------------------------------------------------------------------- */

static struct unwelcome *find(struct evictions *evictions, const char *device)
{
    for (size_t i = 0; i < evictions->count; i++)
        if (strcmp(evictions->unwelcome[i].device, device) == 0)
            return &evictions->unwelcome[i];
    return NULL;
}

static void begin(struct evictions *evictions)
{
    evictions->wait_ms = SOON_MS;
    loop_timer_start(evictions->timer, SOON_MS, 0);
}

/*
 * HELD_BACK_MS after the eviction, by the monotonic clock; at once if the wall clock was put back
 * since.
 */
static int64_t when_again(struct clock *clock, int64_t evicted_ms)
{
    const int64_t since_ms = clock_wall_ms(clock) - evicted_ms;
    const bool waits = since_ms >= 0 && since_ms < HELD_BACK_MS;
    return clock_monotonic_ms(clock) + (waits ? HELD_BACK_MS - since_ms : 0);
}

enum err evictions_see(struct evictions *evictions, const struct roster_device *device,
                       struct fault *fault)
{
    struct unwelcome *one = find(evictions, device->id);
    if (one && one->changed_ms == device->changed_ms)
        return ERR_OK;
    if (!one) {
        struct unwelcome *more =
            realloc(evictions->unwelcome, (evictions->count + 1) * sizeof *more);
        if (!more)
            return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
        evictions->unwelcome = more;
        one = &more[evictions->count++];
    }
    *one = (struct unwelcome){.closed = roster_is_closed(device->state),
                              .changed_ms = device->changed_ms,
                              .out = device->evicted_ms != 0};
    memcpy(one->device, device->id, sizeof one->device);
    if (one->out && device->superseded)
        one->again_ms = when_again(evictions->config.visit.clock, device->evicted_ms);
    if (!one->out || one->again_ms)
        begin(evictions);
    return ERR_OK;
}

/* Somebody who is still to be put out and has that proof; NULL: nobody. */
static struct unwelcome *next(struct evictions *evictions, enum proof proof)
{
    for (size_t i = 0; i < evictions->count; i++)
        if (!evictions->unwelcome[i].out && evictions->unwelcome[i].proof == proof)
            return &evictions->unwelcome[i];
    return NULL;
}

/* Who is to be put out once more, the earliest; NULL: nobody. */
static struct unwelcome *again(struct evictions *evictions)
{
    struct unwelcome *first = NULL;
    for (size_t i = 0; i < evictions->count; i++) {
        struct unwelcome *one = &evictions->unwelcome[i];
        if (one->out && one->again_ms && (!first || one->again_ms < first->again_ms))
            first = one;
    }
    return first;
}

static void turn(struct evictions *evictions, enum proof from, enum proof to)
{
    for (struct unwelcome *one; (one = next(evictions, from)) != NULL;)
        one->proof = to;
}

/* --- What is noted --------------------------------------------------------------------------- */

struct noted {
    struct work work;
    struct roster *roster;
    struct diag *diag;
    char device[CERTIFICATE_NAME_MAX + 1];
    int64_t changed_ms;
    int64_t now_ms;
    bool again; /* it is put out once more */
};

static enum err run_note(struct work *work, struct database *db, struct fault *fault)
{
    (void)db; /* the roster's too */
    struct noted *noted = (struct noted *)((char *)work - offsetof(struct noted, work));
    return roster_set_evicted(noted->roster, noted->device, noted->changed_ms, noted->now_ms,
                              noted->again, fault);
}

static void note_done(struct work *work, enum err err, const struct fault *fault)
{
    struct noted *noted = (struct noted *)((char *)work - offsetof(struct noted, work));
    if (err)
        diag_fault(noted->diag, DIAG_WARN, "hub.eviction_not_noted", fault);
    free(noted);
}

/* What isn't noted is done once more after the next start. */
static void note(struct evictions *evictions, const struct unwelcome *one)
{
    struct noted *noted = calloc(1, sizeof *noted);
    if (!noted)
        return;
    noted->work = (struct work){.run = run_note, .done = note_done, .bytes = sizeof *noted};
    noted->roster = evictions->config.roster;
    noted->diag = evictions->config.visit.diag;
    noted->changed_ms = one->changed_ms;
    noted->now_ms = clock_wall_ms(evictions->config.visit.clock);
    noted->again = one->again_ms != 0;
    memcpy(noted->device, one->device, sizeof noted->device);
    if (worker_submit(evictions->config.worker, &noted->work) != ERR_OK)
        free(noted);
}

/* --- The probe ------------------------------------------------------------------------------- */

static void drop_probe(struct evictions *evictions)
{
    tls_context_close(evictions->probe);
    evictions->probe = NULL;
}

/*
 * Makes a certificate for the probe and revokes it: the new list names it together with everyone
 * who is unwelcome now.
 */
static enum err make_probe(struct evictions *evictions, struct authorities *authorities,
                           struct fault *fault)
{
    const int64_t now_ms = clock_wall_ms(evictions->config.visit.clock);
    const int64_t life_ms = AUTHORITIES_LEAF_DAYS * DAY_MS; /* it must not be refused for its age */
    size_t count;
    enum err err = visit_pass(&evictions->config.visit, authorities_issuer(authorities), PROBE_NAME,
                              life_ms, &evictions->probe, fault);
    if (!err)
        err = authorities_revoke(authorities, PROBE_NAME, CRL_SUPERSEDED, now_ms, &count, fault);
    if (!err)
        err = authorities_list_anew(authorities, now_ms, fault);
    if (err) {
        drop_probe(evictions);
        return err;
    }
    turn(evictions, UNPROVEN, ASKED);
    evictions->config.tell(evictions->config.context);
    return ERR_OK;
}

/* --- Visits ---------------------------------------------------------------------------------- */

static void try_again(struct evictions *evictions, const char *what, const struct fault *fault)
{
    diag_fault(evictions->config.visit.diag, DIAG_WARN, what, fault);
    loop_timer_start(evictions->timer, evictions->wait_ms, 0);
    evictions->wait_ms = 2 * evictions->wait_ms < LATEST_MS ? 2 * evictions->wait_ms : LATEST_MS;
}

static void probe_ended(struct evictions *evictions, enum err err, const struct fault *fault)
{
    struct fault taken;
    if (err == ERR_TLS) {
        turn(evictions, ASKED, PROVEN);
        loop_timer_start(evictions->timer, 0, 0);
        return;
    }
    if (err == ERR_OK) {
        (void)fault_set(&taken, ERR_CONFLICT, evictions->config.visit.url,
                        "the broker lets in who is on the revocation list: have it read its list");
        evictions->config.tell(evictions->config.context);
        fault = &taken;
    }
    try_again(evictions, err ? "hub.not_evicted" : "hub.list_not_read", fault);
}

/* One that has become unwelcome anew meanwhile has no proof yet, and stays to be put out. */
static void put_out(struct evictions *evictions)
{
    struct unwelcome *one = find(evictions, evictions->visited);
    diag_write(evictions->config.visit.diag, DIAG_INFO, "hub.evicted", "%s", evictions->visited);
    if (one && one->out) {
        one->again_ms = 0;
        note(evictions, one);
    } else if (one && one->proof == PROVEN) {
        one->out = true;
        one->again_ms = clock_monotonic_ms(evictions->config.visit.clock) + HELD_BACK_MS;
        note(evictions, one);
    }
    evictions->wait_ms = SOON_MS;
    loop_timer_start(evictions->timer, 0, 0);
}

static void end_visit(struct evictions *evictions)
{
    visit_close(evictions->visit);
    evictions->visit = NULL;
    tls_context_close(evictions->pass);
    evictions->pass = NULL;
}

static void on_visited(void *context, enum err err, const struct fault *fault)
{
    struct evictions *evictions = context;
    end_visit(evictions);
    if (!*evictions->visited) {
        probe_ended(evictions, err, fault);
    } else if (err) {
        /*
         * The broker may refuse everybody now; then its refusal of the probe proved nothing, and it
         * is asked again.
         */
        turn(evictions, PROVEN, evictions->probe ? ASKED : UNPROVEN);
        try_again(evictions, "hub.not_evicted", fault);
    } else {
        put_out(evictions);
    }
}

static enum err visit(struct evictions *evictions, const char *name, struct tls_context *pass,
                      struct fault *fault)
{
    struct visit_config config = evictions->config.visit;
    config.ended = on_visited;
    config.context = evictions;
    return visit_open(&evictions->visit, evictions->loop, &config, name, pass, fault);
}

static enum err evict(struct evictions *evictions, struct authorities *authorities,
                      const struct unwelcome *one, struct fault *fault)
{
    memcpy(evictions->visited, one->device, sizeof evictions->visited);
    enum err err = visit_pass(&evictions->config.visit, authorities_issuer(authorities),
                              one->device, LIFE_MS, &evictions->pass, fault);
    if (!err)
        err = visit(evictions, one->device, evictions->pass, fault);
    if (err)
        end_visit(evictions);
    return err;
}

static enum err ask(struct evictions *evictions, struct authorities *authorities,
                    struct fault *fault)
{
    *evictions->visited = '\0';
    if (next(evictions, ASKED) && evictions->probe)
        return visit(evictions, PROBE_NAME, evictions->probe, fault);
    drop_probe(evictions);
    enum err err = make_probe(evictions, authorities, fault);
    if (!err)
        loop_timer_start(evictions->timer, SOON_MS, 0);
    return err;
}

/* Nobody is to be put out now. */
static void rest(struct evictions *evictions, const struct unwelcome *later, int64_t now_ms)
{
    drop_probe(evictions);
    if (later)
        loop_timer_start(evictions->timer, later->again_ms - now_ms, 0);
}

/* One step; the end of a visit and the timer lead to the next one. */
static void go_on(void *context)
{
    struct evictions *evictions = context;
    struct authorities *authorities CLEANUP(authorities_cleanup) = NULL;
    struct fault fault = {0};
    const int64_t now_ms = clock_monotonic_ms(evictions->config.visit.clock);
    const struct unwelcome *later = again(evictions);
    const struct unwelcome *one = next(evictions, PROVEN);
    if (evictions->visit)
        return;
    if (!one && later && later->again_ms <= now_ms)
        one = later;
    if (!one && !next(evictions, ASKED) && !next(evictions, UNPROVEN)) {
        rest(evictions, later, now_ms);
        return;
    }
    enum err err = authorities_open(&authorities, evictions->config.state, &fault);
    if (err == ERR_NOT_FOUND)
        return; /* who keeps the authority keeps the door */
    if (!err)
        err =
            one ? evict(evictions, authorities, one, &fault) : ask(evictions, authorities, &fault);
    if (err)
        try_again(evictions, "hub.not_evicted", &fault);
}

bool evictions_turn_away(struct evictions *evictions, const char *device)
{
    struct unwelcome *one = find(evictions, device);
    if (!one || !one->closed)
        return false;
    if (one->out) {
        one->out = false;
        begin(evictions);
    }
    return true;
}

/* --- Opening --------------------------------------------------------------------------------- */

enum err evictions_open(struct evictions **out, struct loop *loop,
                        const struct evictions_config *config, struct fault *fault)
{
    struct evictions *evictions = calloc(1, sizeof *evictions);
    if (!evictions)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    evictions->loop = loop;
    evictions->config = *config;
    evictions->wait_ms = SOON_MS;
    evictions->timer = loop_timer_open(loop, go_on, evictions);
    if (!evictions->timer) {
        evictions_close(evictions);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    *out = evictions;
    return ERR_OK;
}

void evictions_close(struct evictions *evictions)
{
    if (!evictions)
        return;
    end_visit(evictions);
    loop_timer_close(evictions->timer);
    drop_probe(evictions);
    free(evictions->unwelcome);
    free(evictions);
}

#include "sync/hub/door.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"
#include "hal/storage.h"
#include "sync/hub/eviction.h"
#include "sync/hub/fleet/servers.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    LOOK_EVERY_MS = 60 * 1000,
    SOON_MS = 500,
    RELOAD_MS = 1000, /* that a broker may take to read its lists */
    AGAIN_MS = 10 * 1000,
    PID_TEXT_MAX = 32,
};

/* Who is turned away, and for how long: a closed one for good, a former box of a name once. */
struct unwelcome {
    char device[CERTIFICATE_NAME_MAX + 1];
    bool closed;
    bool evicted;
    int64_t tried_ms; /* monotonic */
};

struct door {
    struct loop *loop;
    struct door_config config;
    struct roster *reader;
    struct loop_timer *timer;
    struct loop_timer *evict_timer;
    struct unwelcome *unwelcome;
    size_t count;
    struct eviction *eviction;
    char evicting[CERTIFICATE_NAME_MAX + 1];
    int64_t list_until_ms;
    struct sha256 published;
};

/* --- What the brokers read ------------------------------------------------------------------- */

static enum err read_pid(const char *path, pid_t *pid, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    int64_t number = 0;
    buf_init(&text, PID_TEXT_MAX);
    enum err err = storage_read(path, &text, fault);
    if (err)
        return err;
    struct slice digits = buf_slice(&text);
    while (digits.len && digits.data[digits.len - 1] == '\n')
        digits.len--;
    if (json_scan_int(digits, &number) != ERR_OK || number < 2 || number > INT32_MAX)
        return fault_set(fault, ERR_INVALID, path, "holds no process id");
    *pid = (pid_t)number;
    return ERR_OK;
}

static void reload_brokers(struct door *door)
{
    for (size_t i = 0; i < DOOR_BROKERS; i++) {
        struct fault fault = {0};
        pid_t pid = 0;
        const char *path = door->config.pid_files[i];
        if (!path)
            continue;
        enum err err = read_pid(path, &pid, &fault);
        if (!err && kill(pid, SIGHUP) != 0)
            err = fault_errno(&fault, errno, path, "telling the broker");
        if (err)
            diag_fault(door->config.diag, DIAG_WARN, "hub.broker_not_told", &fault);
    }
}

/* The trusted authorities and the lists; zeros when they can't be read. */
static struct sha256 fingerprint(const char *state)
{
    static const char *const names[] = {"ca.pem", "crl.pem"};
    struct buf all CLEANUP(buf_free);
    char path[PATH_MAX];
    buf_init(&all, (size_t)4 * CRL_PEM_MAX);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if ((size_t)snprintf(path, sizeof path, "%s/trust/%s", state, names[i]) >= sizeof path ||
            storage_read(path, &all, NULL) != ERR_OK)
            return (struct sha256){{0}};
    return sha256_of(buf_slice(&all));
}

/* Whoever installed the file has chosen who may read it. */
static mode_t mode_of(const char *path, mode_t fallback)
{
    struct stat info;
    return stat(path, &info) == 0 ? info.st_mode & 0777 : fallback;
}

/* `from` is below the state directory; what isn't there isn't copied. */
static enum err copy_file(const struct door *door, const char *from, const char *name, mode_t mode,
                          bool *changed, struct fault *fault)
{
    const char *folder = door->config.broker_folder;
    char source[PATH_MAX];
    char target[PATH_MAX];
    struct buf now CLEANUP(key_wipe);
    struct buf before CLEANUP(key_wipe);
    buf_init(&now, (size_t)3 * CRL_PEM_MAX);
    buf_init(&before, (size_t)3 * CRL_PEM_MAX);
    if (storage_path(source, sizeof source, door->config.state, from) != ERR_OK ||
        storage_path(target, sizeof target, folder, name) != ERR_OK)
        return fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long");
    enum err err = storage_read(source, &now, fault);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (err || (storage_read(target, &before, NULL) == ERR_OK &&
                slice_equal(buf_slice(&now), buf_slice(&before))))
        return err;
    err = storage_replace(target, buf_slice(&now), mode_of(target, mode), fault);
    if (!err)
        *changed = true;
    return err;
}

static enum err copy_to_broker(struct door *door, struct fault *fault)
{
    static const struct {
        const char *from;
        const char *name;
        mode_t mode;
    } files[] = {
        {"trust/ca.pem", "ca.pem", 0644},
        {"trust/crl.pem", "crl.pem", 0644},
        {"servers/broker-key.pem", "server-key.pem", 0600},
        {"servers/broker.pem", "server.pem", 0644},
    };
    bool changed = false;
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < sizeof files / sizeof *files; i++)
        err = copy_file(door, files[i].from, files[i].name, files[i].mode, &changed, fault);
    if (changed)
        reload_brokers(door);
    return err;
}

static enum err publish(struct door *door, struct fault *fault)
{
    struct authorities *authorities CLEANUP(authorities_cleanup) = NULL;
    const int64_t now_ms = clock_wall_ms(door->config.clock);
    bool renewed = false;
    enum err err = authorities_open(&authorities, door->config.state, fault);
    if (err)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    err = authorities_publish(authorities, now_ms, false, &door->list_until_ms, fault);
    if (!err)
        err = servers_renew(authorities, door->config.state, now_ms, &renewed, fault);
    if (!err && door->config.broker_folder)
        err = copy_to_broker(door, fault);
    const struct sha256 now = fingerprint(door->config.state);
    if (renewed || (!err && !sha256_equal(&now, &door->published))) {
        door->published = now;
        door->config.changed(door->config.context);
    }
    return err;
}

/* --- Who is unwelcome ------------------------------------------------------------------------ */

static struct unwelcome *find(struct door *door, const char *device)
{
    for (size_t i = 0; i < door->count; i++)
        if (strcmp(door->unwelcome[i].device, device) == 0)
            return &door->unwelcome[i];
    return NULL;
}

static enum err add(void *context, const struct roster_device *device, struct fault *fault)
{
    struct door *door = context;
    const bool closed = roster_is_closed(device->state);
    struct unwelcome *known = find(door, device->id);
    if (known) {
        known->evicted = known->evicted && known->closed == closed && !device->superseded;
        known->closed = closed;
        return ERR_OK;
    }
    struct unwelcome *more = realloc(door->unwelcome, (door->count + 1) * sizeof *more);
    if (!more)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    door->unwelcome = more;
    struct unwelcome *one = &more[door->count++];
    *one = (struct unwelcome){.closed = closed,
                              .evicted = device->evicted_ms != 0 && !device->superseded};
    memcpy(one->device, device->id, sizeof one->device);
    return ERR_OK;
}

/* --- Evictions ------------------------------------------------------------------------------- */

struct noted {
    struct work work;
    struct roster *roster;
    struct diag *diag;
    char device[CERTIFICATE_NAME_MAX + 1];
    int64_t now_ms;
};

static enum err run_note(struct work *work, struct database *db, struct fault *fault)
{
    (void)db; /* the roster's too */
    struct noted *noted = (struct noted *)((char *)work - offsetof(struct noted, work));
    return roster_set_evicted(noted->roster, noted->device, noted->now_ms, fault);
}

static void note_done(struct work *work, enum err err, const struct fault *fault)
{
    struct noted *noted = (struct noted *)((char *)work - offsetof(struct noted, work));
    if (err)
        diag_fault(noted->diag, DIAG_WARN, "hub.eviction_not_noted", fault);
    free(noted);
}

/* What isn't noted is done once more after the next start. */
static void note(struct door *door)
{
    struct noted *noted = calloc(1, sizeof *noted);
    if (!noted)
        return;
    noted->work = (struct work){.run = run_note, .done = note_done, .bytes = sizeof *noted};
    noted->roster = door->config.roster;
    noted->diag = door->config.diag;
    noted->now_ms = clock_wall_ms(door->config.clock);
    memcpy(noted->device, door->evicting, sizeof noted->device);
    if (worker_submit(door->config.worker, &noted->work) != ERR_OK)
        free(noted);
}

static void on_evicted(void *context, enum err err, const struct fault *fault)
{
    struct door *door = context;
    struct unwelcome *one = find(door, door->evicting);
    eviction_close(door->eviction);
    door->eviction = NULL;
    if (err) {
        diag_fault(door->config.diag, DIAG_WARN, "hub.not_evicted", fault);
    } else {
        diag_write(door->config.diag, DIAG_INFO, "hub.evicted", "%s", door->evicting);
        note(door);
        if (one)
            one->evicted = true;
    }
    loop_timer_start(door->evict_timer, err ? RELOAD_MS : 0, 0);
}

static enum err begin_eviction(struct door *door, struct unwelcome *one, struct fault *fault)
{
    struct authorities *authorities CLEANUP(authorities_cleanup) = NULL;
    const struct eviction_config config = {
        .url = door->config.url,
        .proxy = door->config.proxy,
        .ca_file = door->config.ca_file,
        .runtime_folder = door->config.runtime_folder,
        .device = door->evicting,
        .clock = door->config.clock,
        .diag = door->config.diag,
        .ended = on_evicted,
        .context = door,
    };
    one->tried_ms = loop_now_ms(door->loop);
    memcpy(door->evicting, one->device, sizeof door->evicting);
    enum err err = authorities_open(&authorities, door->config.state, fault);
    return err ? err
               : eviction_open(&door->eviction, door->loop, &config,
                               authorities_issuer(authorities), fault);
}

static void evict_next(void *context)
{
    struct door *door = context;
    const int64_t now_ms = loop_now_ms(door->loop);
    for (size_t i = 0; !door->eviction && i < door->count; i++) {
        struct unwelcome *one = &door->unwelcome[i];
        struct fault fault = {0};
        if (one->evicted || (one->tried_ms && now_ms < one->tried_ms + AGAIN_MS))
            continue;
        if (begin_eviction(door, one, &fault) != ERR_OK && fault.code != ERR_NOT_FOUND)
            diag_fault(door->config.diag, DIAG_WARN, "hub.not_evicted", &fault);
    }
}

bool door_turns_away(struct door *door, const char *device)
{
    struct unwelcome *one = find(door, device);
    if (!one || !one->closed)
        return false;
    if (one->evicted) {
        one->evicted = false;
        loop_timer_start(door->evict_timer, RELOAD_MS, 0);
    }
    return true;
}

/* --- Looking --------------------------------------------------------------------------------- */

void door_look(struct door *door)
{
    struct fault fault = {0};
    enum err err = publish(door, &fault);
    if (!err)
        err = roster_each_unwelcome(door->reader, add, door, &fault);
    if (err)
        diag_fault(door->config.diag, DIAG_WARN, "hub.door_not_kept", &fault);
    loop_timer_start(door->evict_timer, RELOAD_MS, 0);
}

static void on_timer(void *context)
{
    door_look(context);
}

void door_look_soon(struct door *door)
{
    loop_timer_start(door->timer, SOON_MS, LOOK_EVERY_MS);
}

int64_t door_list_until_ms(const struct door *door)
{
    return door->list_until_ms;
}

enum err door_open(struct door **out, struct loop *loop, const struct door_config *config,
                   struct fault *fault)
{
    struct door *door = calloc(1, sizeof *door);
    if (!door)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    door->loop = loop;
    door->config = *config;
    door->timer = loop_timer_open(loop, on_timer, door);
    door->evict_timer = loop_timer_open(loop, evict_next, door);
    enum err err = door->timer && door->evict_timer
                       ? roster_open(&door->reader, config->reader, fault)
                       : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (err) {
        door_close(door);
        return err;
    }
    door->published = fingerprint(config->state);
    door_look(door);
    loop_timer_start(door->timer, LOOK_EVERY_MS, LOOK_EVERY_MS);
    *out = door;
    return ERR_OK;
}

void door_close(struct door *door)
{
    if (!door)
        return;
    eviction_close(door->eviction);
    loop_timer_close(door->timer);
    loop_timer_close(door->evict_timer);
    roster_close(door->reader);
    free(door->unwelcome);
    free(door);
}

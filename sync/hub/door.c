#include "sync/hub/door.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"
#include "hal/storage.h"
#include "sync/hub/evictions.h"
#include "sync/hub/fleet/servers.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    LOOK_EVERY_MS = 60 * 1000,
    SOON_MS = 500,
    PID_TEXT_MAX = 32,
};

struct door {
    struct loop *loop;
    struct door_config config;
    struct roster *reader;
    struct loop_timer *timer;
    struct evictions *evictions;
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

static enum err copy_to_broker(struct door *door, bool tell, struct fault *fault)
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
    bool changed = tell;
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < sizeof files / sizeof *files; i++)
        err = copy_file(door, files[i].from, files[i].name, files[i].mode, &changed, fault);
    if (changed)
        reload_brokers(door);
    return err;
}

/* `tell`: the brokers even of what they were told. */
static enum err publish(struct door *door, bool tell, struct fault *fault)
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
        err = copy_to_broker(door, tell, fault);
    const struct sha256 now = fingerprint(door->config.state);
    if (renewed || (!err && !sha256_equal(&now, &door->published))) {
        door->published = now;
        door->config.changed(door->config.context);
    }
    return err;
}

/* --- Looking --------------------------------------------------------------------------------- */

static enum err see(void *context, const struct roster_device *device, struct fault *fault)
{
    return evictions_see(context, device, fault);
}

void door_look(struct door *door)
{
    struct fault fault = {0};
    enum err err = publish(door, false, &fault);
    if (!err)
        err = roster_each_unwelcome(door->reader, see, door->evictions, &fault);
    if (err)
        diag_fault(door->config.diag, DIAG_WARN, "hub.door_not_kept", &fault);
}

/* The broker may have missed that it was told, or its new files. */
static void tell_again(void *context)
{
    struct door *door = context;
    struct fault fault = {0};
    if (publish(door, true, &fault) != ERR_OK)
        diag_fault(door->config.diag, DIAG_WARN, "hub.door_not_kept", &fault);
}

bool door_turns_away(struct door *door, const char *device)
{
    return evictions_turn_away(door->evictions, device);
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

static enum err open_parts(struct door *door, struct fault *fault)
{
    const struct door_config *config = &door->config;
    const struct evictions_config evictions = {
        .state = config->state,
        .roster = config->roster,
        .worker = config->worker,
        .visit = {.url = config->url,
                  .proxy = config->proxy,
                  .ca_file = config->ca_file,
                  .runtime_folder = config->runtime_folder,
                  .clock = config->clock,
                  .diag = config->diag},
        .tell = tell_again,
        .context = door,
    };
    door->timer = loop_timer_open(door->loop, on_timer, door);
    if (!door->timer)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err = roster_open(&door->reader, config->reader, fault);
    return err ? err : evictions_open(&door->evictions, door->loop, &evictions, fault);
}

enum err door_open(struct door **out, struct loop *loop, const struct door_config *config,
                   struct fault *fault)
{
    struct door *door = calloc(1, sizeof *door);
    if (!door)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    door->loop = loop;
    door->config = *config;
    enum err err = open_parts(door, fault);
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
    evictions_close(door->evictions);
    loop_timer_close(door->timer);
    roster_close(door->reader);
    free(door);
}

#include "agent/service/binding.h"
#include "agent/service/harmless.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 64 * 1024 };

struct ear {
    struct binding *binding;
    struct scanner *scanner;
    char device[PORT_DEVICE_MAX + 1];
};

struct binding {
    struct loop_timer *timer;
    struct ear ears[PORTS_MAX + 1];
    size_t count;
    binding_done *done;
    void *context;
    bool over;
};

static void end(struct binding *binding, const struct binding_scan *scan)
{
    if (binding->over)
        return;
    binding->over = true;
    loop_timer_stop(binding->timer);
    binding->done(binding->context, scan);
}

static void on_timeout(void *context)
{
    end(context, NULL);
}

static void on_scan(void *context, const struct scan *scan)
{
    const struct ear *ear = context;
    const struct binding_scan found = {
        .device = ear->device, .scanner = "", .lane = "", .bytes = scan->data.len};
    end(ear->binding, &found);
}

void binding_told(struct binding *binding, const struct scan *scan)
{
    const struct binding_scan found = {
        .device = "", .scanner = scan->scanner, .lane = scan->lane, .bytes = scan->data.len};
    end(binding, &found);
}

static void on_refused(void *context, const char *scanner, const char *why, size_t bytes)
{
    (void)context;
    (void)scanner;
    (void)why;
    (void)bytes;
}

static void on_changed(void *context, const char *scanner, enum scanner_state state)
{
    (void)context;
    (void)scanner;
    (void)state;
}

/* Two names, and one device behind them. */
static bool is_same(const char *a, const char *b)
{
    char real_a[PATH_MAX];
    char real_b[PATH_MAX];
    const char *path_a = strchr(a, ':');
    const char *path_b = strchr(b, ':');
    return path_a && path_b && realpath(path_a + 1, real_a) && realpath(path_b + 1, real_b) &&
           strcmp(real_a, real_b) == 0;
}

static enum err listen_at(struct binding *b, const struct binding_config *config,
                          const char *device, struct fault *fault)
{
    struct ear *ear = &b->ears[b->count];
    for (size_t i = 0; i < config->used_count; i++)
        if (is_same(config->used[i], device))
            return ERR_OK;
    *ear = (struct ear){.binding = b};
    (void)snprintf(ear->device, sizeof ear->device, "%.*s", PORT_DEVICE_MAX, device);
    const struct scanner_config scanner = {
        .name = "test", .lane = "", .device = ear->device, .prefix = "", .suffix = ""};
    const struct scanner_listener listener = {on_scan, on_refused, on_changed, ear};
    enum err err = scanner_open(&ear->scanner, config->loop, &scanner, &listener, fault);
    b->count += !err;
    return err;
}

enum err binding_open(struct binding **out, const struct binding_config *config, binding_done *done,
                      void *context, struct fault *fault)
{
    struct binding *b = calloc(1, sizeof *b);
    struct ports *ports = calloc(1, sizeof *ports);
    enum err err = ERR_OK;
    if (b)
        b->timer = loop_timer_open(config->loop, on_timeout, b);
    if (!b || !ports || !b->timer) {
        err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    } else {
        b->done = done;
        b->context = context;
        ports_find(config->root, ports);
        for (size_t i = 0; !err && i < ports->count; i++)
            err = listen_at(b, config, ports->list[i].device, fault);
        if (!err && config->extra)
            err = listen_at(b, config, config->extra, fault);
    }
    free(ports);
    if (err) {
        binding_close(b);
        return err;
    }
    loop_timer_start(b->timer, config->timeout_ms ? config->timeout_ms : BINDING_TIMEOUT_MS, 0);
    *out = b;
    return ERR_OK;
}

void binding_close(struct binding *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->count; i++)
        scanner_close(b->ears[i].scanner);
    loop_timer_close(b->timer);
    free(b);
}

/* --- What was bound -------------------------------------------------------------------------- */

enum err binding_line(const char *device, const char *lane, struct buf *line, struct fault *fault)
{
    size_t len = strlen(lane);
    bool good = len > 0 && len <= SCANNER_LANE_MAX;
    for (size_t i = 0; good && i < len; i++)
        good = isalnum((unsigned char)lane[i]) || lane[i] == '-' || lane[i] == '_';
    if (!good)
        return fault_set(fault, ERR_INVALID, "lane", "must have 1 to %d letters, digits, - and _",
                         SCANNER_LANE_MAX);
    buf_printf(line, "scanner.lane-%s=%s,lane=%s", lane, device, lane);
    return buf_check(line, fault, "lane");
}

enum err binding_save(const char *path, struct slice line, struct fault *fault)
{
    struct buf old CLEANUP(buf_free);
    struct buf text CLEANUP(buf_free);
    buf_init(&old, FILE_MAX_BYTES);
    buf_init(&text, FILE_MAX_BYTES);
    enum err err = access(path, F_OK) == 0 ? storage_read(path, &old, fault) : ERR_OK;
    if (err)
        return err;
    const char *equals = memchr(line.data, '=', line.len);
    size_t key = (size_t)(equals - line.data) + 1;
    for (const char *at = old.data; at && *at;) {
        size_t len = strcspn(at, "\n");
        if (len < key || memcmp(at, line.data, key) != 0) {
            buf_append(&text, at, len);
            buf_append_char(&text, '\n');
        }
        at += len + (at[len] == '\n');
    }
    buf_append(&text, line.data, line.len);
    buf_append_char(&text, '\n');
    err = buf_check(&text, fault, path);
    return err ? err : storage_replace(path, buf_slice(&text), 0600, fault);
}

enum err ports_conf_path(const char *folder, char *path, size_t size, struct fault *fault)
{
    return storage_path(path, size, folder, "ports.conf")
               ? fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long")
               : ERR_OK;
}

enum err ports_conf_each(const char *folder, settings_visit *visit, void *context,
                         struct fault *fault)
{
    static const struct setting table[] = {{"scanner.*", SETTING_TEXT, NULL, 0, 0, ""}};
    char path[PATH_MAX];
    struct settings *settings;
    enum err err = ports_conf_path(folder, path, sizeof path, fault);
    if (err || access(path, F_OK) != 0)
        return err;
    err = settings_open(&settings, table, 1, fault);
    if (err)
        return err;
    err = settings_load(settings, path, fault);
    if (!err)
        err = settings_each(settings, "scanner.*", visit, context, fault);
    settings_close(settings);
    return err;
}

enum err binding_keep(const char *folder, const char *device, const char *lane, struct buf *line,
                      struct fault *fault)
{
    char path[PATH_MAX];
    enum err err = binding_line(device, lane, line, fault);
    if (!err)
        err = ports_conf_path(folder, path, sizeof path, fault);
    return err ? err : binding_save(path, buf_slice(line), fault);
}

/* --- What is in use -------------------------------------------------------------------------- */

static enum err add_used(void *context, const char *name, const char *value, struct fault *fault)
{
    struct used_devices *used = context;
    char lane[DEVICE_OPTION_MAX + 1];
    (void)name;
    (void)fault;
    if (used->count < USED_DEVICES_MAX && harmless_device(value, used->texts[used->count], lane)) {
        used->names[used->count] = used->texts[used->count];
        used->count++;
    }
    return ERR_OK;
}

enum err used_devices_find(struct used_devices *used, const struct settings *settings,
                           const char *folder, struct fault *fault)
{
    used->count = 0;
    enum err err = settings_each(settings, "scanner.*", add_used, used, fault);
    if (!err)
        err = ports_conf_each(folder, add_used, used, fault);
    if (!err)
        err = settings_each(settings, "printer.*", add_used, used, fault);
    if (!err)
        err = settings_each(settings, "tap.*", add_used, used, fault);
    return err;
}

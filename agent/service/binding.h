/*
 * Finds out which device stands at a lane: listens to every port that nobody uses, and to what the
 * appliance's own scanners tell, until somebody scans; and keeps what was bound in ports.conf of
 * the state directory, as lines of settings. Loop thread only; ports_conf_* block on the disk.
 */
#ifndef AGENT_SERVICE_BINDING_H
#define AGENT_SERVICE_BINDING_H

#include "hal/device_setting.h"
#include "hal/ports.h"
#include "hal/scanner.h"
#include "hal/settings.h"

struct binding;

enum { BINDING_TIMEOUT_MS = 30000, BINDING_EXTRA_MAX = 8, USED_DEVICES_MAX = 32 };

struct binding_scan {
    const char *device;  /* "serial:/dev/serial/by-id/...": the port; "" when a scanner told it */
    const char *scanner; /* the configured scanner that told it; "" otherwise */
    const char *lane;    /* of that scanner */
    size_t bytes;        /* how long the scan was; its content is nobody's business */
};

/* Once: `scan`, or NULL when nothing came in time. */
typedef void binding_done(void *context, const struct binding_scan *scan);

/* Devices that settings and ports.conf name, to be left alone; more than fit are left out. */
struct used_devices {
    const char *names[USED_DEVICES_MAX];
    char texts[USED_DEVICES_MAX][DEVICE_TEXT_MAX + 1];
    size_t count;
};
enum err used_devices_find(struct used_devices *used, const struct settings *settings,
                           const char *folder, struct fault *fault) MUST_CHECK;

struct binding_config {
    struct loop *loop;
    int64_t timeout_ms; /* 0: BINDING_TIMEOUT_MS */
    /* Devices that are in use already ("serial:PATH"); they are not opened. */
    const char *const *used;
    size_t used_count;
    const char *extra; /* a device that isn't listed, or NULL */
    const char *root;  /* as of ports_find */
};

enum err binding_open(struct binding **binding, const struct binding_config *config,
                      binding_done *done, void *context, struct fault *fault) MUST_CHECK;
void binding_close(struct binding *binding); /* takes NULL; no callback comes after */
/* A scanner of the appliance has told a scan. */
void binding_told(struct binding *binding, const struct scan *scan);

/* "scanner.lane-01=serial:...,lane=01"; a lane is 1 to 8 of A-Z a-z 0-9 _ -. ERR_INVALID. */
enum err binding_line(const char *device, const char *lane, struct buf *line,
                      struct fault *fault) MUST_CHECK;
/* Puts the line in a file of settings, in place of the one with the same key. */
enum err binding_save(const char *path, struct slice line, struct fault *fault) MUST_CHECK;

/* Both, into the ports.conf of this state directory; `line` is what was kept. */
enum err binding_keep(const char *folder, const char *device, const char *lane, struct buf *line,
                      struct fault *fault) MUST_CHECK;

/* Visits what was bound in this state directory; no file is none. */
enum err ports_conf_each(const char *folder, settings_visit *visit, void *context,
                         struct fault *fault) MUST_CHECK;
enum err ports_conf_path(const char *folder, char *path, size_t size,
                         struct fault *fault) MUST_CHECK;

#endif

/*
 * The store's devices, as the settings and the ports bound since then name them: the printers, and
 * at the lanes the scanners and panels. Notes in the event log when one goes, comes back or needs a
 * person. Loop thread only.
 */
#ifndef AGENT_DEVICES_H
#define AGENT_DEVICES_H

#include "agent/print/desk.h"
#include "agent/service/doctor.h"
#include "hal/panel.h"
#include "hal/scanner.h"

struct devices;

/* All is borrowed. */
struct devices_config {
    struct loop *loop;
    struct clock *clock;
    struct diag *diag;
    const struct settings *settings;
    const char *folder; /* of the state */
    struct eventlog *log;
    const struct eventlog_config *log_config;
};

struct devices_listener {
    void (*scanned)(void *context, const struct scan *scan);
    void (*scanner_changed)(void *context, const char *scanner, enum scanner_state state);
    void (*printer_changed)(void *context, const struct print_desk_printer *printer);
    void (*print_changed)(void *context, const struct print *print, const char *state);
    void *context;
};

/* Opens the printers; nothing is scanned before devices_listen. A device need not be there. */
enum err devices_open(struct devices **devices, const struct devices_config *config,
                      const struct devices_listener *listener, struct fault *fault) MUST_CHECK;
enum err devices_listen(struct devices *devices, struct fault *fault) MUST_CHECK;
void devices_close(struct devices *devices); /* before the log; takes NULL */

struct print_desk *devices_prints(struct devices *devices);
/* Something was committed: perhaps a print to be made, or the log became full. */
void devices_committed(struct devices *devices);
/* At the panels of that lane ("" for none). */
void devices_show(struct devices *devices, const char *lane, enum panel_sign sign);

/* The two that the technician's desk wants (service_config); `devices` is a struct devices. */
void devices_tell(void *devices, struct doctor_running *running);
enum err devices_bind(void *devices, const char *name, const char *value,
                      struct fault *fault) MUST_CHECK;

#endif

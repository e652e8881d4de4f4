/*
 * Tells the event log that a scanner or printer went away, came back, or needs a person: as
 * peripheral.changed, once it has lasted PERIPHERAL_SETTLE_MS, so that a loose plug fills no log.
 * Nothing is told of what is there from the start. Loop thread only; the log is written by its own.
 */
#ifndef AGENT_CAPTURE_PERIPHERAL_H
#define AGENT_CAPTURE_PERIPHERAL_H

#include "hal/base/diag.h"
#include "hal/loop.h"
#include "sync/eventlog/eventlog.h"

struct peripherals;

enum { PERIPHERAL_SETTLE_MS = 5000, PERIPHERALS_MAX = 40 };

enum peripheral_kind { PERIPHERAL_SCANNER, PERIPHERAL_PRINTER };
enum peripheral_state { PERIPHERAL_ATTACHED, PERIPHERAL_DETACHED, PERIPHERAL_FAILED };

struct peripherals_config {
    struct loop *loop;
    struct eventlog *log;
    struct diag *diag;
    int64_t settle_ms; /* PERIPHERAL_SETTLE_MS when 0 */
};

enum err peripherals_open(struct peripherals **peripherals, const struct peripherals_config *config,
                          struct fault *fault) MUST_CHECK;
/* Before the log is closed, which still writes what was submitted. Takes NULL. */
void peripherals_close(struct peripherals *peripherals);

/*
 * How a device stands now; the first time, when it is set up. `detail` is a word or sentence of at
 * most 200 bytes, "" for none. More devices than PERIPHERALS_MAX are left out.
 */
void peripherals_note(struct peripherals *peripherals, enum peripheral_kind kind, const char *name,
                      enum peripheral_state state, const char *detail);

#endif

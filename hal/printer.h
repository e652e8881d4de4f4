/*
 * A receipt printer: takes whole prints as ESC/POS bytes, sends them one after the other, and tells
 * of each what became of it. It never blocks the loop, never fails the program, and knows nothing
 * of what is printed. Loop thread only; callbacks come from the loop and may close the printer.
 *
 * The device is opened, and opened again after an error, an unplug or a silence, for ever. A
 * printer is asked for its state every second, is ready only while it answers, and confirms each
 * print (see hal/escpos_status.h). A file, and one that is said to be mute, counts as ready while
 * its line is open, and a print as done when its bytes were taken: whether it is switched on nobody
 * knows.
 *
 * A print waits for a printer that isn't ready for up to PRINTER_PATIENCE_MS after its submission.
 * One that was begun and isn't confirmed in as long again ends as ERR_UNKNOWN_OUTCOME: a part of it
 * may be on paper. It is never sent again by itself.
 */
#ifndef HAL_PRINTER_H
#define HAL_PRINTER_H

#include "hal/base/buf.h"
#include "hal/loop.h"

struct printer;

enum {
    PRINTER_NAME_MAX = 32,
    PRINTER_JOBS_MAX = 16,
    PRINTER_JOB_BYTES_MAX = 256 * 1024,
    PRINTER_PATIENCE_MS = 30000,
};

/* PRINTER_FAILED: off line for a reason of its own, such as the cutter. */
enum printer_state {
    PRINTER_OFFLINE,
    PRINTER_READY,
    PRINTER_PAPER_OUT,
    PRINTER_COVER_OPEN,
    PRINTER_FAILED,
};

/* "offline", "ready", "paper_out", "cover_open", "failed": for JSON. */
const char *printer_state_name(enum printer_state state);

struct printer_listener {
    /*
     * Once for each submitted print. ERR_OK: printed. ERR_UNKNOWN_OUTCOME: perhaps, or in part.
     * Anything else: nothing of it was sent. `fault` holds the sentence.
     */
    void (*finished)(void *context, const char *printer, uint64_t job, enum err err,
                     const struct fault *fault);
    void (*changed)(void *context, const char *printer, enum printer_state state);
    void *context;
};

struct printer_config {
    const char *name;
    const char *device;  /* "serial:PATH", "usb:PATH", "tcp:HOST:PORT" or "file:PATH" */
    int baud;            /* of a serial line; 9600 when 0 */
    bool mute;           /* it answers no status requests, and gets none */
    int64_t patience_ms; /* PRINTER_PATIENCE_MS when 0 */
};

/* The printer need not be there. ERR_INVALID, with the field, for settings that can't work. */
enum err printer_open(struct printer **printer, struct loop *loop,
                      const struct printer_config *config, const struct printer_listener *listener,
                      struct fault *fault) MUST_CHECK;
/* Takes NULL. What is still waiting is dropped without a word. */
void printer_close(struct printer *printer);

/*
 * Queues a print; the bytes are copied. `job` is the caller's number for it. ERR_BUSY when
 * PRINTER_JOBS_MAX wait, ERR_TOO_LARGE, ERR_INVALID for an empty one.
 */
enum err printer_submit(struct printer *printer, uint64_t job, struct slice bytes,
                        struct fault *fault) MUST_CHECK;
enum printer_state printer_state(const struct printer *printer);
/* Why it could not be opened or was lost last; the text is "" once it is ready. */
const struct fault *printer_fault(const struct printer *printer);

#endif

/*
 * The print desk: each return that was agreed or taken back is printed at the printer of its lane,
 * once, after it is on disk. It follows the event log by itself, from where it stood, so that a
 * restart forgets no receipt; it never blocks a return and never fails one.
 *
 * A printer that isn't ready makes prints wait, for up to PRINT_KEPT_MS. One whose end isn't known
 * (the power went in the middle) is never sent again by itself: it stays, visibly, until a person
 * has it printed once more, marked as a copy, or lets it go. Loop thread only, and the disk may
 * block it for the moment of one small file.
 */
#ifndef AGENT_PRINT_DESK_H
#define AGENT_PRINT_DESK_H

#include "agent/print/queue.h"
#include "agent/print/template.h"
#include "agent/returns/policy.h"
#include "hal/printer.h"
#include "sync/eventlog/eventlog.h"

struct print_desk;

enum { PRINT_DESK_PRINTERS_MAX = 16 };
#define PRINT_KEPT_MS (INT64_C(24) * 60 * 60 * 1000)

struct print_desk_printer {
    const char *name;
    const char *lane; /* "" when it serves those that have none of their own */
    enum printer_state state;
    const char *detail; /* why it isn't there; "" when it is */
};

struct print_desk_listener {
    void (*printer_changed)(void *context, const struct print_desk_printer *printer);
    /* `outcome`: "waiting", "printing", "printed", "unsure" or "dropped". */
    void (*print_changed)(void *context, const struct print *print, const char *outcome);
    void *context;
};

struct print_desk_config {
    struct loop *loop;
    struct eventlog *log;
    const struct eventlog_config *log_config; /* for a reader of its own */
    struct clock *clock;
    struct diag *diag;
    const char *folder;        /* state directory */
    const char *template_file; /* NULL: the template that ships */
    const char *logo_file;     /* NULL: none */
    const char *store_name;    /* "" for none */
    const char *store_address; /* lines, with "|" between them */
    const char *language;      /* of receipts: one of policy_languages */
};

enum err print_desk_open(struct print_desk **desk, const struct print_desk_config *config,
                         const struct print_desk_listener *listener,
                         struct fault *fault) MUST_CHECK;
void print_desk_close(struct print_desk *desk); /* takes NULL */

/* What is printed from now on is by this one, which is taken over. */
void print_desk_use(struct print_desk *desk, struct template *template);

/* See agent/print/setting.h. */
enum err print_desk_add_printer(struct print_desk *desk, const char *name, const char *value,
                                struct fault *fault) MUST_CHECK;

/* After a commit, and once at the start: prints what is new. */
void print_desk_committed(struct print_desk *desk);

/*
 * Prints a return's receipt once more, marked as a copy; what was unsure of it is let go. While a
 * print of it still waits there is nothing to add: that one is told. ERR_NOT_FOUND: no such return
 * is kept, or nothing of it was agreed; ERR_REFUSED: the lane has no printer.
 */
enum err print_desk_reprint(struct print_desk *desk, const struct id *return_id, const char *lane,
                            const char *language, struct print *print,
                            struct fault *fault) MUST_CHECK;
/* Lets one go that waits or is unsure. ERR_NOT_FOUND, or ERR_CONFLICT while it is being printed. */
enum err print_desk_drop(struct print_desk *desk, const struct id *id,
                         struct fault *fault) MUST_CHECK;

/* How a test print ended: as printer.h's `finished`. */
typedef void print_desk_tested(void *context, enum err err, const struct fault *fault);
/*
 * Prints a few lines at one printer, for who sets it up; no return's. `tested` comes once, unless
 * the desk is closed. ERR_BUSY while it prints something else.
 */
enum err print_desk_test(struct print_desk *desk, size_t printer, print_desk_tested *tested,
                         void *context, struct fault *fault) MUST_CHECK;

size_t print_desk_printer_count(const struct print_desk *desk);
struct print_desk_printer print_desk_printer(const struct print_desk *desk, size_t index);
/* What waits; valid until the next call. */
const struct print *print_desk_prints(const struct print_desk *desk, size_t *count);

#endif

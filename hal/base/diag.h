/*
 * Diagnostics: one structured line (JSON) for operators, for each thing worth knowing.
 *
 * They carry ids, never content: no receipt text, no names, no card numbers. `name` is the stable
 * thing to search for ("uplink.disconnected"), the sentence is for people. Any thread may write.
 */
#ifndef HAL_BASE_DIAG_H
#define HAL_BASE_DIAG_H

#include "hal/base/buf.h"

enum diag_level { DIAG_DEBUG, DIAG_INFO, DIAG_WARN, DIAG_ERROR };

struct diag;

/* "debug", "info", "warn", "error"; anything else is DIAG_INFO. */
enum diag_level diag_level_of(const char *word);

/* Writes to a file descriptor that stays the caller's. `program` is borrowed. NULL on no memory. */
struct diag *diag_open(int fd, const char *program, enum diag_level least);
void diag_close(struct diag *d);
/* What is written from now on. Any thread. */
void diag_set_least(struct diag *d, enum diag_level least);
/* While it sheds only errors are written, whatever is wanted otherwise. Any thread; takes NULL. */
void diag_shed(struct diag *d, bool shedding);
/* `d` may be NULL: then nothing is written. */
void diag_write(struct diag *d, enum diag_level level, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same with a failure's code, place and text. */
void diag_fault(struct diag *d, enum diag_level level, const char *name, const struct fault *fault);

/*
 * The last lines written, kept in memory for who asks later: at most DIAG_KEPT_LINES, each without
 * its newline. Any thread; `line` must not write diagnostics.
 */
enum { DIAG_KEPT_LINES = 256, DIAG_KEPT_BYTES = 1024 };
void diag_recall(struct diag *d, void (*line)(void *context, struct slice text), void *context);

#endif

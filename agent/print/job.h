/*
 * What goes to the printer for one print: the receipt of its return, as it stands in the log now,
 * laid out for that printer's paper, with the drawer's kick before it. Blocks on the log's reader.
 */
#ifndef AGENT_PRINT_JOB_H
#define AGENT_PRINT_JOB_H

#include "agent/print/layout.h"
#include "agent/print/queue.h"
#include "agent/print/setting.h"

/* All is borrowed. */
struct job {
    struct eventlog_reader *reader;
    const struct template *template;
    const struct layout_store *store;
    const struct print_setting *setting; /* of the printer */
    enum policy_language language;       /* when the print asks for none */
};

/* Appends to `out`. ERR_NOT_FOUND: nothing of the return is kept. */
enum err job_compose(const struct job *job, const struct print *print, struct buf *out,
                     struct fault *fault) MUST_CHECK;

#endif

/*
 * The appliance's views: what the counter asks of the event log, answered from tables that follow
 * from it. Sales by receipt, order and item; returns by id, sale and time;
 * exceptions by state.
 *
 * The same questions are asked inside a command's transaction (on the writer thread) and of a
 * reader (on its own thread); `struct views` is that access, either way. It may block on the disk.
 */
#ifndef AGENT_VIEWS_VIEWS_H
#define AGENT_VIEWS_VIEWS_H

#include "sync/eventlog/eventlog.h"

struct views {
    struct eventlog_txn *txn; /* one of the two */
    struct eventlog_reader *reader;
    struct database_statements *sales;
    struct database_statements *returns;
    struct database_statements *exceptions;
};

enum { VIEWS_COUNT = 3 };

/* Fills the table to open the log with. */
void views_define(struct eventlog_view table[static VIEWS_COUNT]);
/*
 * Has *due set whenever a return comes to be due for its completion, on the writer thread, before
 * the commit. Atomic.
 */
void views_tell_due(struct eventlog_view table[static VIEWS_COUNT], bool *due);

struct views views_of_txn(struct eventlog_txn *txn);
struct views views_of_reader(struct eventlog_reader *reader);

/* The events of one correlation, oldest first. */
enum err views_history(const struct views *views, const struct id *correlation,
                       eventlog_visit *visit, void *context, struct fault *fault) MUST_CHECK;

#endif

/*
 * Inside of reconciling: a line of a settlement as it is kept, and what became of it. Inside the
 * caller's transaction.
 */
#ifndef SYNC_HUB_CONNECT_RECONCILE_LINE_H
#define SYNC_HUB_CONNECT_RECONCILE_LINE_H

#include "hal/database.h"
#include "sync/hub/connect/expected.h"
#include "sync/hub/connect/match.h"
#include "sync/hub/connect/settled.h"
#include "sync/hub/connect/settlement.h"

enum { RECONCILE_FORMAT_MAX = 16 };

/* A stored line. */
struct reconcile_line {
    int64_t number;
    char format[RECONCILE_FORMAT_MAX];
    char state[RECONCILE_FORMAT_MAX];
    char key[SETTLED_KEY_MAX]; /* the file's hash and the row: the same wherever it is taken in */
    bool again;                /* it was looked at before, when nobody knew its refund */
    struct settlement_line is;
};

/* The line that a statement with at most one parameter finds. */
enum err reconcile_line_load(struct database *db, size_t statement, int64_t number,
                             struct reconcile_line *line, bool *found,
                             struct fault *fault) MUST_CHECK;
/* The first `max` that nobody has looked at. */
enum err reconcile_lines_new(struct database *db, size_t statement, struct reconcile_line *lines,
                             size_t max, size_t *count, struct fault *fault) MUST_CHECK;
/* `match` may be NULL, expected_no 0: it is nobody's refund. */
enum err reconcile_line_mark(struct database *db, int64_t line_no, const char *state,
                             const struct match *match, int64_t expected_no,
                             struct fault *fault) MUST_CHECK;

/* What the line settles of the refund, both of which are borrowed; told to nobody yet. */
struct settled reconcile_line_settled(const struct reconcile_line *line,
                                      const struct expected *refund, int64_t now_ms);
/* The exception that a line with these mismatches is told as. */
const char *reconcile_line_exception(uint32_t mismatches);

#endif

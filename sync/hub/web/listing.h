/*
 * Inside of the answers: pages of rows as JSON. A statement's column names are the members' names,
 * so that what an answer holds stands in the .sql file alone:
 *
 *     raised_ms   "raised", a time           due_day   "due", a date
 *     overdue?    "overdue", true or false   16 bytes  an id
 *     others      a text or a whole number; NULL is left out
 *
 * The first column is the cursor. Loop thread only.
 */
#ifndef SYNC_HUB_WEB_LISTING_H
#define SYNC_HUB_WEB_LISTING_H

#include "hal/base/jsonw.h"
#include "sync/hub/web/answers.h"

enum { LISTING_PAGE = 200 };

struct answers {
    struct web_config config;
    struct database_statements *sql;     /* read.sql */
    struct database_statements *finance; /* finance.sql */
    struct database_statements *metrics; /* metrics.sql */
    struct device_reader *devices;
};

/* `from` of the query; 0 without one. */
enum err listing_from(const struct answers_asked *asked, int64_t *from,
                      struct fault *fault) MUST_CHECK;
/* `state` of the query, NULL without one; ERR_INVALID unless it is one of the words in `known`. */
enum err listing_state(const struct answers_asked *asked, const char *known, const char **state,
                       struct fault *fault) MUST_CHECK;
/* A day of the query, "2026-11-22". */
enum err listing_day(const struct answers_asked *asked, const char *name, int64_t fallback,
                     int64_t *day, struct fault *fault) MUST_CHECK;
/* The row's columns as members of the object that is open. */
void listing_row(struct jsonw *w, struct statement *s);
/* The rows as an array of objects under `name`, in the object that is open; its last cursor. */
enum err listing_array(struct answers *answers, struct statement *s, const char *name,
                       struct jsonw *w, int64_t *count, int64_t *cursor,
                       struct fault *fault) MUST_CHECK;
/* The rows as a page. */
enum err listing_page(struct answers *answers, struct statement *s, const char *name,
                      struct buf *out, struct fault *fault) MUST_CHECK;
/* The same, of rows that `write` writes, each into an object that is open. */
enum err listing_written(struct answers *answers, struct statement *s, const char *name,
                         void (*write)(struct jsonw *w, struct statement *s), struct buf *out,
                         struct fault *fault) MUST_CHECK;

#endif

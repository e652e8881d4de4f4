/*
 * What orders, authorisations and notices of goods have in common while they are taken: a JSON
 * document that is read by a table, known again, and pushed to stores. Inside the caller's
 * transaction.
 */
#ifndef SYNC_HUB_CONNECT_ORDER_WORK_H
#define SYNC_HUB_CONNECT_ORDER_WORK_H

#include "sync/hub/connect/order.h"
#include "sync/hub/ingest/centre.h"

#include "hal/base/arena.h"
#include "hal/base/buf.h"

enum { ORDER_NAME_BYTES = 64 };

/* Fields of a document. */
#define ORDER_NAME(field, need, type, member)                                                      \
    {                                                                                              \
        .name = (field), .kind = JSON_TEXT, .presence = (need), .offset = offsetof(type, member),  \
        .min = 1, .max = ORDER_NAME_BYTES                                                          \
    }
#define ORDER_WHOLE(field, least, type, member)                                                    \
    {                                                                                              \
        .name = (field), .kind = JSON_INT, .offset = offsetof(type, member), .min = (least),       \
        .max = MONEY_MAX_MINOR                                                                     \
    }
#define ORDER_LINES(table, type)                                                                   \
    {                                                                                              \
        .name = "lines", .kind = JSON_LIST, .offset = offsetof(type, lines), .min = 1,             \
        .max = CLAIM_LINES_MAX, .items = (table), .count_offset = offsetof(type, line_count)       \
    }

/* One at a time of a sale, an authorisation or a notice. */
struct order_line {
    int64_t line;
    int64_t quantity;
};
extern const struct json_table order_line_table;

struct order_work {
    struct database *db;
    struct order *order;
    struct cJSON *json;
    struct arena arena;
    struct buf text; /* the document, however it was spaced */
    struct buf body; /* of the event made of it */
    struct fault *fault;
};

/* Reads the document into `document`, which the table fills. To be closed after a failure too. */
enum err order_work_open(struct order_work *work, struct database *db, struct order *order,
                         const struct json_table *table, void *document,
                         struct fault *fault) MUST_CHECK;
void order_work_close(struct order_work *work);

/* Whether it was taken before: ERR_CONFLICT names `field` when that names another document. */
enum err order_work_known(struct order_work *work, const struct centre_fact *fact,
                          const char *field, bool *known) MUST_CHECK;
/*
 * Tells work->body to the stores that the order lists, or else to the one given; their appliances
 * hold the sale of this receipt from now on (NULL: it is no sale).
 */
enum err order_work_push(struct order_work *work, const char *store,
                         const char *receipt) MUST_CHECK;

#endif

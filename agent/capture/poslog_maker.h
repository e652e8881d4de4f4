/*
 * What the files of poslog_order.h share: the order in the making, and what sales and returns have
 * in common. What returns bool is false when the order was refused, which it is once.
 */
#ifndef AGENT_CAPTURE_POSLOG_MAKER_H
#define AGENT_CAPTURE_POSLOG_MAKER_H

#include "agent/capture/poslog_order.h"
struct poslog_maker {
    const struct poslog_transaction *from;
    const struct poslog_source *source;
    struct poslog_order *order;
    struct jsonw w;
    int64_t line_amounts_minor; /* of what was sold */
    int64_t line_taxes_minor;
    bool failed;
};

/* `code` as in struct poslog_order. Always false. */
bool poslog_refuse(struct poslog_maker *m, const char *code, const char *where, const char *format,
                   ...) __attribute__((format(printf, 4, 5)));
bool poslog_unmapped(struct poslog_maker *m, const char *table, const char *code);

bool poslog_amount(struct poslog_maker *m, const char *where, const char *text, int64_t *minor);
/* Refuses a sum that is no amount any more. */
bool poslog_add(struct poslog_maker *m, const char *where, int64_t *sum_minor, int64_t minor);
int64_t poslog_size_of(int64_t value);

/* The order's receipt: made as the source says, or as it was told. */
bool poslog_make_receipt(struct poslog_maker *m, const char *store, const char *lane,
                         const char *date, const char *number, const char *where);
bool poslog_take_receipt(struct poslog_maker *m, const char *text, const char *where);

bool poslog_is_goods(const struct poslog_line *line);
bool poslog_is_returned(const struct poslog_line *line);
/* Without its sign. */
bool poslog_quantity(struct poslog_maker *m, const struct poslog_line *line,
                     const struct poslog_unit **unit, int64_t *quantity);
int64_t poslog_line_number(const char *text); /* 0: none */
void poslog_write_item(struct poslog_maker *m, const struct poslog_line *line);
void poslog_write_unless_empty(struct poslog_maker *m, const char *name, const char *text);

/* What came in, less change, and what was paid back, into the order. */
bool poslog_take_tenders(struct poslog_maker *m);
/* As the array "tenders"; those of nothing are left out. */
void poslog_write_tenders(struct jsonw *w, const struct poslog_tender *list, size_t count);

/* The object up to its tenders, with its lines that were sold; the order's receipt is its own. */
bool poslog_write_sale(struct poslog_maker *m);
/* The object, with the lines that came back; the order's receipt is theirs. */
bool poslog_write_return(struct poslog_maker *m);

bool poslog_make_sale(struct poslog_maker *m);
bool poslog_make_return(struct poslog_maker *m);
bool poslog_make_exchange(struct poslog_maker *m);

#endif

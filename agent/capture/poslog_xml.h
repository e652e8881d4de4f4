/*
 * Reads NRF/ARTS POSLog 6 XML, in both namespaces that are seen in the field, into plain
 * transactions: what the till said, text by text, before any mapping. It may be written in UTF-8,
 * UTF-16, ISO-8859-1 or windows-1252; what is kept is UTF-8. Streaming (expat), so memory
 * follows what is kept and not what is sent. A document type declaration is refused, so there are
 * no entities but XML's own; size, depth, attributes, texts and counts are limited. Elements of
 * other namespaces, and those that nobody here asks for, are walked past. Pure, any thread.
 */
#ifndef AGENT_CAPTURE_POSLOG_XML_H
#define AGENT_CAPTURE_POSLOG_XML_H

#include "hal/base/arena.h"

enum {
    POSLOG_BYTES_MAX = 8 * 1024 * 1024,
    POSLOG_DEPTH_MAX = 32,
    POSLOG_ATTRIBUTES_MAX = 32,
    POSLOG_TEXT_MAX = 1000,
    POSLOG_TRANSACTIONS_MAX = 2000,
    POSLOG_LINES_MAX = 2000, /* of one transaction, of every kind */
    POSLOG_TAXES_MAX = 8,    /* of one line */
    POSLOG_ARENA_BYTES = 64 * 1024 * 1024,
};

/* Every text is as it was sent, blanks around it removed; "" when it wasn't. In the arena. */
struct poslog_link {
    const char *reason; /* ReasonCode */
    const char *receipt;
    const char *store;
    const char *workstation;
    const char *date;
    const char *sequence;
    const char *line;
};

struct poslog_tax {
    const char *type;
    const char *group;
    const char *authority;
    const char *percent;
    const char *amount;
};

enum poslog_line_kind { POSLOG_OTHER, POSLOG_SALE, POSLOG_RETURN, POSLOG_TENDER, POSLOG_TAX };

struct poslog_line {
    enum poslog_line_kind kind;
    bool voided;
    const char *sequence;
    const char *item_type;
    const char *item;     /* ItemID */
    const char *pos_item; /* POSIdentity/POSItemID: as scanned */
    const char *description;
    const char *category;
    const char *serial;
    const char *unit;
    const char *quantity;
    const char *amount; /* ExtendedAmount; a tender's or a tax line's Amount */
    const char *cost;
    const char *reason;
    const char *disposal;
    const char *tender;      /* TenderType */
    const char *tender_code; /* TypeCode: Sale, Refund, Change */
    const char *change;
    const char *reference;
    struct poslog_link link;
    struct poslog_tax taxes[POSLOG_TAXES_MAX];
    size_t tax_count;
    size_t taxes_seen; /* more than tax_count: there was no room */
};

struct poslog_transaction {
    const char *store;
    const char *workstation;
    const char *sequence;
    const char *date;
    const char *begun;
    const char *ended;
    const char *operator;
    const char *currency;
    const char *receipt;
    const char *status;
    bool cancelled;
    bool training;
    bool retail; /* has a RetailTransaction; others (opening a till, ...) concern nobody here */
    struct poslog_link link;
    struct poslog_line *lines;
    size_t line_count;
    struct poslog_transaction *next;
};

struct poslog {
    struct poslog_transaction *first; /* in the document's order */
    size_t count;
};

/* ERR_INVALID, ERR_TOO_LARGE or ERR_TOO_DEEP, with the line of the document. */
enum err poslog_read(struct slice xml, struct arena *arena, struct poslog *poslog,
                     struct fault *fault) MUST_CHECK;

#endif

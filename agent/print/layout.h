/* A receipt's print: what it says, as a template wants it, in the bytes of one printer. Pure. */
#ifndef AGENT_PRINT_LAYOUT_H
#define AGENT_PRINT_LAYOUT_H

#include "agent/print/escpos.h"
#include "agent/print/logo.h"
#include "agent/print/receipt.h"
#include "agent/print/template.h"

/* What every receipt of a store says. */
struct layout_store {
    const char *name;        /* "" for none */
    const char *address;     /* lines, with "|" between them; "" for none */
    const struct logo *logo; /* NULL for none */
};

struct layout_paper {
    enum code_page page;
    int columns;
};

struct layout {
    const struct template *template;
    const struct layout_store *store;
    struct layout_paper paper;
    enum policy_language language;
    int32_t utc_offset_minutes; /* of the store's civil time */
    bool copy;                  /* marked as one */
};

/* The whole print with its cut; ERR_TOO_LARGE or ERR_NO_MEMORY is the buffer's. */
enum err layout_print(const struct layout *layout, const struct receipt *receipt, struct buf *out,
                      struct fault *fault) MUST_CHECK;

/* A few lines and a bar code for who sets a printer up, with its name; no return's. */
enum err layout_test_print(const struct layout_paper *paper, const char *name, struct buf *out,
                           struct fault *fault) MUST_CHECK;

#endif

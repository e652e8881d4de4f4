/* The store page's files, embedded at build time, plain and packed. Constant data, any thread. */
#ifndef AGENT_PAGE_PAGE_H
#define AGENT_PAGE_PAGE_H

#include "hal/base/buf.h"

struct page_asset {
    const char *content_type;
    struct slice content;
    struct slice packed; /* by gzip (RFC 1952) */
};

/* By file name ("index.html"); false if there is none. */
bool page_find(struct slice name, struct page_asset *asset);

#endif

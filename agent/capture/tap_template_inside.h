/* What the files of tap_template.h share: a template, read. */
#ifndef AGENT_CAPTURE_TAP_TEMPLATE_INSIDE_H
#define AGENT_CAPTURE_TAP_TEMPLATE_INSIDE_H

#include "agent/capture/tap_template.h"
#include "sync/contract/money.h"

enum row_kind { IS_NUMBER, IS_TIME, IS_LINE, IS_TOTAL, IS_TENDER, IS_CHANGE, IS_TAX };

struct row {
    int kind; /* enum row_kind */
    const char *pattern;
    int tender; /* enum tender_type */
    bool has_tender;
};

struct tax_rule {
    int type; /* enum tax_type */
    const char *jurisdiction;
};

struct look {
    const char *version;
    int page; /* enum code_page */
    const char *currency_code;
    bool prices_include_tax;
    const char *decimal_point;
    const char *store;
    const char *lane;
    const char *receipt;
    struct tax_rule tax;
    bool has_tax;
    struct row *rows;
    size_t row_count;
};

struct tap_template {
    struct cJSON *doc;
    struct arena arena;
    struct look look;
    const struct currency *currency;
};

#endif

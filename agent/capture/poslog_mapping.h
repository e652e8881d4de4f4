/*
 * What a legacy till's words mean here: versioned tables, one set for each source (for a make of
 * till, a chain that was bought). A code that no table names has no meaning, and what uses it is
 * refused as unmapped_code; nothing is guessed.
 *
 *     {"version": "2026-1", "sources": [{"name": "old tills", "workstations": ["01", "02"],
 *       "prices_include_tax": true, "currency": "EUR", "receipt":
 * "{store}-{lane}-{date}-{number:4}", "statuses": [{"from": "Finished", "to": "finished"}, {"from":
 * "Suspended", "to": "skip"}], "tenders": [{"from": "Cash", "to": "cash"}], "kinds": [{"from":
 * "Stock", "to": "item"}], "units": [{"from": "KGM", "unit": "g", "factor": 1000}], "taxes":
 * [{"from": "VAT:A", "type": "vat", "class": "standard", "jurisdiction": "DE"}], "reasons":
 * [{"from": "CHGMIND", "to": "unwanted"}], "conditions": [{"from": "ReturnToStock", "to":
 * "open_box"}]}]}
 *
 * A transaction belongs to the first source that lists its workstation or lists none. An empty
 * `from` stands for what the till left out. Reasons and conditions become codes of the return
 * policy. A tax is looked for as "TaxType:TaxGroupID" and then as "TaxType"; without a jurisdiction
 * the till's TaxAuthority is taken. Reading a file blocks; the rest is pure, any thread.
 */
#ifndef AGENT_CAPTURE_POSLOG_MAPPING_H
#define AGENT_CAPTURE_POSLOG_MAPPING_H

#include "agent/returns/words.h"
#include "hal/base/json.h"

enum { POSLOG_CODES_MAX = 200, POSLOG_SOURCES_MAX = 50 };

struct poslog_mapping;

struct poslog_code {
    const char *from;
    const char *to;
};

struct poslog_word {
    const char *from;
    int to; /* of the table's enum */
};

struct poslog_unit {
    const char *from;
    int unit; /* enum unit */
    int64_t factor;
};

struct poslog_tax_code {
    const char *from;
    int type;                 /* enum tax_type */
    int class;                /* enum tax_class */
    const char *jurisdiction; /* NULL: the till's TaxAuthority */
};

enum poslog_status { POSLOG_FINISHED, POSLOG_SKIP };

struct poslog_source {
    const char *name;
    const char **workstations;
    size_t workstation_count;
    bool prices_include_tax;
    const char *currency; /* NULL: the transaction must say */
    const char *receipt;  /* a template of store, lane, date, number */
    struct poslog_word *statuses;
    size_t status_count;
    struct poslog_word *tenders;
    size_t tender_count;
    struct poslog_word *kinds;
    size_t kind_count;
    struct poslog_unit *units;
    size_t unit_count;
    struct poslog_tax_code *taxes;
    size_t tax_count;
    struct poslog_code *reasons;
    size_t reason_count;
    struct poslog_code *conditions;
    size_t condition_count;
};

/* `path` NULL takes the one that ships. ERR_INVALID names field and rule. */
enum err poslog_mapping_open(struct poslog_mapping **mapping, const char *path,
                             struct fault *fault) MUST_CHECK;
enum err poslog_mapping_read(struct poslog_mapping **mapping, struct slice text,
                             struct fault *fault) MUST_CHECK;
void poslog_mapping_close(struct poslog_mapping *mapping); /* takes NULL */
const char *poslog_mapping_version(const struct poslog_mapping *mapping);
/* NULL if no source takes this workstation. */
const struct poslog_source *poslog_mapping_source(const struct poslog_mapping *mapping,
                                                  const char *workstation);

/* -1 and NULL: unmapped. */
int poslog_word_find(const struct poslog_word *words, size_t count, const char *from);
const char *poslog_code_find(const struct poslog_code *codes, size_t count, const char *from);
const struct poslog_unit *poslog_unit_find(const struct poslog_source *source, const char *from);
const struct poslog_tax_code *poslog_tax_find(const struct poslog_source *source, const char *type,
                                              const char *group);

#endif

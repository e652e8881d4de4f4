/*
 * The retailer's own receipt numbers: a document of patterns, each with named fields and, where
 * there is one, a check digit.
 *
 *     {"version": "2026-1", "patterns": [{"name": "till",
 *       "pattern": "{store:d4}{lane:d2}{date:d8}{number:d4}{check:d1}",
 *       "check": {"rule": "luhn", "field": "check", "over": ["store", "lane", "date", "number"]},
 *       "receipt": "{store}-{lane}-{date}-{number}"}]}
 *
 * `receipt` says how the number is written in sales when the barcode writes it otherwise. Rules:
 * gs1 (modulo 10, weights 3 and 1), luhn (ISO/IEC 7812-1), mod97 (ISO 7064 MOD 97-10). The first
 * pattern that fits wins. Reading a file blocks; the rest is pure, any thread.
 */
#ifndef AGENT_CAPTURE_SCAN_FORMATS_H
#define AGENT_CAPTURE_SCAN_FORMATS_H

#include "agent/capture/scan_pattern.h"
#include "agent/returns/cardnumber.h"
#include "hal/base/json.h"

enum { SCAN_PATTERNS_MAX = 50, SCAN_RECEIPT_MAX = 80 };

struct scan_formats;

/* `path` NULL takes those that ship. ERR_INVALID names field and rule. */
enum err scan_formats_open(struct scan_formats **formats, const char *path,
                           struct fault *fault) MUST_CHECK;
/* From the text of the document. */
enum err scan_formats_read(struct scan_formats **formats, struct slice text,
                           struct fault *fault) MUST_CHECK;
void scan_formats_close(struct scan_formats *formats); /* takes NULL */

/* What a receipt number says. The name is borrowed from the formats, the fields from the text. */
struct scan_receipt {
    const char *format;
    char number[SCAN_RECEIPT_MAX + 1]; /* as sales have it */
    struct pattern_match fields;
};
/* False if no pattern fits with its check digit. */
bool scan_formats_find(const struct scan_formats *formats, struct slice text,
                       struct scan_receipt *receipt);

/*
 * The patterns with a check digit, as texts that are no card numbers though they may look like one.
 * Borrows the formats.
 */
struct known_formats scan_formats_known(const struct scan_formats *formats);

#endif

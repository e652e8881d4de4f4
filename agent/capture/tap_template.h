/*
 * How the receipts of a legacy till look: a document of line patterns (scan_pattern.h), by which a
 * receipt's text becomes a sale in the JSON of POST /v1/sales.
 *
 *     {"version": "2026-1", "page": "cp858", "currency": "EUR", "prices_include_tax": true,
 *      "decimal_point": ",", "store": "0042", "lane": "01",
 *      "receipt": "{store}-{lane}-{year}{month}{day}-{number:4}",
 *      "tax": {"type": "vat", "jurisdiction": "DE"},
 *      "patterns": [
 *        {"is": "number", "pattern": "Bon {number:d1-6}"},
 *        {"is": "time", "pattern": "{day:d2}.{month:d2}.{year:d4} {hour:d2}:{minute:d2}"},
 *        {"is": "line", "pattern": "{sku:d4} {what:t} {amount:m} {code:a1}"},
 *        {"is": "total", "pattern": "SUMME {amount:m}"},
 *        {"is": "tender", "pattern": "BAR {amount:m}", "tender": "cash"},
 *        {"is": "change", "pattern": "RUECKGELD {amount:m}", "tender": "cash"},
 *        {"is": "tax", "pattern": "{code:a1} {rate:m}% {net:m} {amount:m}"}]}
 *
 * Each printed line is taken by the first pattern that fits; lines that none takes say nothing. A
 * line may have {quantity:d1-5}. A tax line's amount is spread over the lines of its code by
 * largest remainder, for the receipt doesn't say more. A receipt is recognised only if it has a
 * number, a time, lines, a total that is their sum, and tenders that come to it; else the reason is
 * told. Reading a file blocks; the rest is pure but for this machine's time zone. Any thread.
 */
#ifndef AGENT_CAPTURE_TAP_TEMPLATE_H
#define AGENT_CAPTURE_TAP_TEMPLATE_H

#include "hal/base/json.h"
#include "hal/code_page.h"

struct tap_template;

enum { TAP_PATTERNS_MAX = 60, TAP_LINES_MAX = 500 };

/* ERR_INVALID names field and rule. */
enum err tap_template_open(struct tap_template **template, const char *path,
                           struct fault *fault) MUST_CHECK;
enum err tap_template_read(struct tap_template **template, struct slice text,
                           struct fault *fault) MUST_CHECK;
void tap_template_close(struct tap_template *template); /* takes NULL */
enum code_page tap_template_page(const struct tap_template *template);

/*
 * Writes the sale of a receipt's text. ERR_NOT_FOUND: nothing in it looks like a sale (a report, a
 * drawer slip). ERR_INVALID: a sale that can't be read whole; the fault says what is missing.
 */
enum err tap_template_sale(const struct tap_template *template, struct slice text, struct buf *sale,
                           struct fault *fault) MUST_CHECK;

#endif

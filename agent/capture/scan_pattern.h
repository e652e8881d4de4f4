/*
 * Line patterns: a text with named fields in it, for receipt numbers that a retailer made up and
 * for the lines that a legacy till prints.
 *
 *     {store:d4}-{lane:d2}-{date:d8}-{number:d4-6}      R {number:d1-9}      {what:t} {price:m}
 *
 * A field is {name:CLASS} or {name:CLASS LENGTH} or {name:CLASS LEAST-MOST}, written without
 * blanks. Classes: d digits, a ASCII letters, x letters and digits, m what an amount is written
 * with, t any text that begins and ends with no blank. A blank in the pattern stands for one or
 * more blanks; any other character for itself. Longer fields are tried before shorter ones, within
 * a budget of steps, so that no text can make a match slow. Pure, any thread.
 */
#ifndef AGENT_CAPTURE_SCAN_PATTERN_H
#define AGENT_CAPTURE_SCAN_PATTERN_H

#include "hal/base/buf.h"

enum {
    PATTERN_MAX = 200,
    PATTERN_FIELDS_MAX = 16,
    PATTERN_NAME_MAX = 23,
    PATTERN_TEXT_MAX = 400, /* longer texts match nothing */
};

struct pattern_field {
    char name[PATTERN_NAME_MAX + 1];
    struct slice text; /* borrowed from the text matched */
};

struct pattern_match {
    struct pattern_field fields[PATTERN_FIELDS_MAX];
    size_t count;
};

/* ERR_INVALID at `where` for a pattern that isn't one; the sentence says what is wrong. */
enum err pattern_check(const char *pattern, const char *where, struct fault *fault) MUST_CHECK;
/* True if the whole text fits a pattern that pattern_check takes. */
bool pattern_fits(const char *pattern, struct slice text, struct pattern_match *match);
/* NULL if there is no such field. */
const struct slice *pattern_field(const struct pattern_match *match, const char *name);
/* Adds a field; false when there is no room. */
bool pattern_add(struct pattern_match *match, const char *name, struct slice text);
/*
 * Writes a template of characters, {name}, and {name:WIDTH} (filled with zeros from the left).
 * False if it names what the match hasn't, or isn't a template.
 */
bool pattern_expand(const char *template, const struct pattern_match *match, struct buf *out);

#endif

/*
 * Finds what looks like a payment card number (ISO/IEC 7812) in free text, so that it is refused
 * before it is stored anywhere: an issuer's prefix, that issuer's length, and the check digit, all
 * three together; spaces, dashes and dots between groups of digits don't hide it.
 * Pure, any thread.
 */
#ifndef AGENT_RETURNS_CARDNUMBER_H
#define AGENT_RETURNS_CARDNUMBER_H

#include "hal/base/buf.h"

/*
 * Formats that are known to be no card numbers though they may look like one: the retailer's own
 * receipt numbers and serials. `recognises` may be NULL.
 */
struct known_formats {
    bool (*recognises)(const void *context, struct slice text);
    const void *context;
};

/* For what was checked when it came, and is read again: takes every text. */
extern const struct known_formats cardnumber_checked_before;

bool cardnumber_in(struct slice text);

/* ERR_REFUSED at `where` if the text (NULL is fine) holds one and no known format takes it whole.
 */
enum err cardnumber_refuse(const char *text, const char *where, const struct known_formats *known,
                           struct fault *fault) MUST_CHECK;

#endif

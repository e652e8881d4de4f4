/*
 * Global Trade Item Numbers (GS1 General Specifications, section 7.9): 8, 12, 13 or 14 digits, the
 * same number however many leading zeros it is written with. Pure, any thread.
 */
#ifndef AGENT_RETURNS_GTIN_H
#define AGENT_RETURNS_GTIN_H

#include "hal/base/buf.h"

/* True if the length is one of the four and the check digit is right. */
bool gtin_valid(struct slice text);
/* True if both are given and name the same item. */
bool gtin_equal(const char *a, const char *b);

#endif

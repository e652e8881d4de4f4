/*
 * Times as text (RFC 3339): milliseconds since 1970-01-01T00:00:00Z, and back. No time zone
 * database, no locale, no clock. Pure, any thread.
 */
#ifndef HAL_BASE_RFC3339_H
#define HAL_BASE_RFC3339_H

#include "hal/base/buf.h"

enum { RFC3339_TEXT = 24 };

/* "2026-11-22T10:11:12.345Z" and a NUL. Years 1970 to 9999; others are clamped. */
void rfc3339_format(int64_t ms, char text[static RFC3339_TEXT + 1]);
/* Takes an offset or Z and up to nine digits of a second; a leap second counts as :59. */
enum err rfc3339_parse(struct slice text, int64_t *ms) MUST_CHECK;
/* Days since 1970-01-01 of a civil date; no range check beyond month 1..12. */
int64_t civil_days(int64_t year, int month, int day);

#endif

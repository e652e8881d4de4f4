/*
 * The code pages of receipt printers, as UTF-8. Constant data, any thread.
 */
#ifndef AGENT_CAPTURE_TAP_PAGE_H
#define AGENT_CAPTURE_TAP_PAGE_H

#include "hal/base/buf.h"

enum tap_page { TAP_CP437, TAP_CP850, TAP_CP858, TAP_CP1252, TAP_PAGE_UNKNOWN };

/* "cp437", ..., NULL-terminated, in the order of the enum. */
extern const char *const tap_page_words[];

/* What ESC t selects by this number on Epson's and most others' printers. */
enum tap_page tap_page_of_epson(unsigned char number);
/* Appends one character; U+FFFD for what the page hasn't. */
void tap_page_write(enum tap_page page, unsigned char byte, struct buf *out);

#endif

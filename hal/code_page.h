/*
 * The code pages of receipt printers, from and to UTF-8. Constant data, any thread.
 */
#ifndef HAL_CODE_PAGE_H
#define HAL_CODE_PAGE_H

#include "hal/base/buf.h"

enum code_page { CODE_PAGE_437, CODE_PAGE_850, CODE_PAGE_858, CODE_PAGE_1252, CODE_PAGE_UNKNOWN };

enum { CODE_PAGE_NO_CHARACTER = 0xfffd }; /* U+FFFD: the page hasn't this byte */

/* "cp437", ..., NULL-terminated, in the order of the enum. */
extern const char *const code_page_words[];

/* The number by which ESC t selects a page on Epson's and most others' printers, and back. */
enum code_page code_page_of_epson(unsigned char number);
unsigned char code_page_to_epson(enum code_page page);
/* What a byte stands for: U+0000 to U+FFFF. */
unsigned code_page_character(enum code_page page, unsigned char byte);
/* Appends it as UTF-8. */
void code_page_read(enum code_page page, unsigned char byte, struct buf *out);
/*
 * Appends UTF-8 text as bytes of the page. What it hasn't becomes something near ("EUR" for the
 * euro sign, "A" for the capital with an accent), or "?"; so does what is no UTF-8.
 */
void code_page_write(enum code_page page, struct slice text, struct buf *out);

#endif

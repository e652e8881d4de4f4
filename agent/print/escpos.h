/*
 * Writes a print in ESC/POS, as Epson defines it and most receipt printers take it: text in a code
 * page, columns, bar and QR codes, a raster picture, the cut, the drawer. It only writes bytes;
 * asking a printer how it is belongs to hal/escpos_status.h. Failure is the buffer's. Pure.
 *
 * Text is wrapped at words. Whatever it holds (a description from a till), no byte of it can be
 * taken for a command: control characters become blanks.
 */
#ifndef AGENT_PRINT_ESCPOS_H
#define AGENT_PRINT_ESCPOS_H

#include "hal/code_page.h"

enum { ESCPOS_COLUMNS_MIN = 20, ESCPOS_COLUMNS_MAX = 64, ESCPOS_CODE_MAX = 64 };

struct escpos {
    struct buf *out;
    enum code_page page;
    int columns; /* of font A in its normal size */
    bool large;
};

enum escpos_align { ESCPOS_LEFT, ESCPOS_CENTER, ESCPOS_RIGHT };

/* Begins a print: whatever stood in the printer before is reset. */
struct escpos escpos_begin(struct buf *out, enum code_page page, int columns);

void escpos_align(struct escpos *w, enum escpos_align align);
void escpos_bold(struct escpos *w, bool on);
/* Twice as wide and high: half the columns. */
void escpos_large(struct escpos *w, bool on);
/* White on black. */
void escpos_inverse(struct escpos *w, bool on);

/* UTF-8 text and the end of the line; as many lines as it needs. */
void escpos_line(struct escpos *w, struct slice text);
/* Left text, wrapped and indented, and at its last line's end another at the right margin. */
void escpos_pair(struct escpos *w, struct slice left, struct slice right, int indent);
/* A line across the paper. */
void escpos_rule(struct escpos *w);
void escpos_feed(struct escpos *w, int lines);

/* Printable ASCII of at most ESCPOS_CODE_MAX bytes: else the buffer fails. */
void escpos_code128(struct escpos *w, struct slice data);
void escpos_qr(struct escpos *w, struct slice data);
/* Rows of (width + 7) / 8 bytes, the leftmost dot the highest bit, 1 black. */
void escpos_raster(struct escpos *w, int width, int height, struct slice bits);

/* Opens the drawer on connector pin 2, or on pin 5. */
void escpos_drawer(struct escpos *w, bool second);
/* Feeds to the knife and cuts, leaving a point. */
void escpos_cut(struct escpos *w);

#endif

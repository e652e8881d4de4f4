/*
 * What an ESC/POS printer says about itself: the requests, and its answers, one byte each (Epson
 * ESC/POS: DLE EOT n, real-time status; GS r n, status in its turn). Pure.
 *
 * Fixed bits tell the kinds of answers apart, and from XON and XOFF. A printer answers real-time
 * requests at once even while it can't print; GS r only when it has worked off what came before,
 * so its answer confirms a print.
 */
#ifndef HAL_ESCPOS_STATUS_H
#define HAL_ESCPOS_STATUS_H

#include "hal/base/buf.h"

/* GS a 0: no status unasked, which could be taken for an answer. */
#define ESCPOS_QUIET                                                                               \
    SLICE_LITERAL("\x1d"                                                                           \
                  "a\0")
/* DLE EOT 2 (why it is off line) and DLE EOT 4 (the paper): two answers, in this order. */
#define ESCPOS_ASK_STATE SLICE_LITERAL("\x10\x04\x02\x10\x04\x04")
/* GS r 1: the paper, once all before it is printed. */
#define ESCPOS_ASK_PRINTED SLICE_LITERAL("\x1dr\x01")

enum escpos_answer { ESCPOS_NO_ANSWER, ESCPOS_STATE, ESCPOS_PRINTED };

/* Which request this byte answers. */
enum escpos_answer escpos_answer(uint8_t byte);

struct escpos_status {
    bool cover_open;
    bool paper_out;
    bool failed; /* cutter, temperature: a person must look */
};

/* Takes the answer to DLE EOT 2 or, for `second`, to DLE EOT 4. */
void escpos_status_take(struct escpos_status *status, uint8_t answer, bool second);

#endif

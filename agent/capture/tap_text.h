/*
 * What a till sends to its receipt printer (ESC/POS), as the text of one receipt after another.
 * Commands, pictures and barcodes are taken off, code pages become UTF-8, a cut ends a receipt.
 * However the bytes are split over reads, the same receipts come out. A command that nobody here
 * knows is taken for two bytes. Pure: no clock, no descriptors.
 */
#ifndef AGENT_CAPTURE_TAP_TEXT_H
#define AGENT_CAPTURE_TAP_TEXT_H

#include "hal/code_page.h"

enum { TAP_RECEIPT_MAX = 64 * 1024, TAP_HEADER_MAX = 10 };

struct tap_text {
    enum code_page first; /* the page after a reset */
    enum code_page page;
    unsigned char header[TAP_HEADER_MAX]; /* of the command being read */
    size_t header_len;
    uint64_t skip;   /* bytes of a command's data still to come */
    bool until_nul;  /* its data ends with a NUL */
    bool cut_after;  /* a cut when the data is over */
    bool told;       /* the receipt in text was handed over */
    struct buf text; /* lines end with LF; failed when the receipt is too long */
};

void tap_text_init(struct tap_text *tap, enum code_page page);
void tap_text_free(struct tap_text *tap);

/*
 * Takes bytes off `input` up to the next cut. True: there is a receipt in tap->text, maybe too long
 * (failed) or empty; the next call begins a new one. False: all of it was taken.
 */
bool tap_text_take(struct tap_text *tap, struct slice *input);

#endif

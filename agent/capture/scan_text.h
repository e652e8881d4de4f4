/*
 * What a scan means: a receipt, a return's number, an item, a fiscal receipt code, or text that
 * nobody knows. Pure interpretation of what hal/scanner.h gave: framing is done, the AIM identifier
 * is told apart. Card numbers are found and named as such, so that nobody passes them on. Any
 * thread.
 */
#ifndef AGENT_CAPTURE_SCAN_TEXT_H
#define AGENT_CAPTURE_SCAN_TEXT_H

#include "agent/capture/scan_field.h"
#include "agent/capture/scan_formats.h"

enum scan_kind {
    SCAN_UNKNOWN,
    SCAN_RECEIPT, /* `receipt`, and the pattern's fields */
    SCAN_RETURN,  /* `receipt` is our return's number */
    SCAN_ITEM,    /* `gtin` if it has one, and GS1's fields by application identifier */
    SCAN_FISCAL,  /* the fields of scan_fiscal.h; `receipt` is its receipt_id */
    SCAN_CARD,    /* looks like a payment card's number: not to be shown, kept or sent */
    SCAN_KIND_COUNT,
};

struct scan_meaning {
    enum scan_kind kind;
    /* ean13, ean8, upca, upce, itf14, gs1, digital_link, dsfinvk, rksv, atcud, zatca, return, or a
     * receipt pattern's name (borrowed from the formats); "" if nothing is known. */
    const char *format;
    char receipt[SCAN_RECEIPT_MAX + 1];
    char gtin[15]; /* 14 digits */
    struct scan_fields fields;
};

/* `aim` is the AIM identifier without the bracket, or "". Values live in the arena. */
void scan_interpret(struct slice data, const char *aim, const struct scan_formats *formats,
                    struct arena *arena, struct scan_meaning *meaning);

/* "receipt", "return", "item", "fiscal", "card" or "unknown". */
const char *scan_kind_name(enum scan_kind kind);

#endif

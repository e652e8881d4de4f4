#include "agent/capture/scan_text.h"
#include "agent/capture/return_number.h"
#include "agent/capture/scan_fiscal.h"
#include "agent/capture/scan_gs1.h"
#include "agent/returns/cardnumber.h"
#include "agent/returns/gtin.h"

#include <stdio.h>
#include <string.h>

enum { GTIN_DIGITS = 14, UPCE_DIGITS = 8, UPCA_DIGITS = 12, GS = 0x1d };

static void take_receipt(struct scan_meaning *meaning, enum scan_kind kind, const char *format,
                         const char *receipt)
{
    meaning->kind = kind;
    meaning->format = format;
    if (strlen(receipt) <= SCAN_RECEIPT_MAX)
        (void)snprintf(meaning->receipt, sizeof meaning->receipt, "%s", receipt);
}

static bool read_return_number(struct slice data, struct scan_meaning *meaning)
{
    struct pattern_match parts;
    if (!pattern_fits("R{store:x1-8}-{count:d6-9}-{check:d1}", data, &parts) ||
        !return_number_valid(data))
        return false;
    char text[SCAN_RECEIPT_MAX + 1];
    (void)snprintf(text, sizeof text, "%.*s", (int)data.len, data.data);
    take_receipt(meaning, SCAN_RETURN, "return", text);
    return true;
}

static bool read_receipt(struct slice data, const struct scan_formats *formats,
                         struct scan_meaning *meaning)
{
    struct scan_receipt found;
    if (!formats || !scan_formats_find(formats, data, &found))
        return false;
    for (size_t i = 0; i < found.fields.count; i++) {
        const char *name = arena_text(meaning->fields.arena, found.fields.fields[i].name);
        if (!name || !scan_field_add(&meaning->fields, name, found.fields.fields[i].text))
            return false;
    }
    take_receipt(meaning, SCAN_RECEIPT, found.format, found.number);
    return true;
}

static bool read_fiscal(struct slice data, struct scan_meaning *meaning)
{
    const char *law = scan_fiscal(data, &meaning->fields);
    if (!law)
        return false;
    const char *id = scan_field_find(&meaning->fields, "receipt_id");
    take_receipt(meaning, SCAN_FISCAL, law, id ? id : "");
    return true;
}

/* --- Items -------------------------------------------------------------------------------------
 */

static void take_gtin(struct scan_meaning *meaning, const char *format, struct slice digits)
{
    meaning->kind = SCAN_ITEM;
    meaning->format = format;
    memset(meaning->gtin, '0', GTIN_DIGITS);
    memcpy(meaning->gtin + GTIN_DIGITS - digits.len, digits.data, digits.len);
    meaning->gtin[GTIN_DIGITS] = '\0';
}

/* The UPC-A that a UPC-E stands for (General Specifications, section 5.2.2.4.2). */
static bool expand_upce(struct slice digits, char upca[static UPCA_DIGITS])
{
    if (digits.len != UPCE_DIGITS || digits.data[0] > '1')
        return false;
    const char *d = digits.data + 1;
    char pattern[UPCA_DIGITS + 1] = "00000000000";
    pattern[0] = digits.data[0];
    pattern[1] = d[0];
    pattern[2] = d[1];
    if (d[5] <= '2') {
        pattern[3] = d[5];
        memcpy(pattern + 8, d + 2, 3);
    } else if (d[5] == '3') {
        pattern[3] = d[2];
        memcpy(pattern + 9, d + 3, 2);
    } else if (d[5] == '4') {
        memcpy(pattern + 3, d + 2, 2);
        pattern[10] = d[4];
    } else {
        memcpy(pattern + 3, d + 2, 3);
        pattern[10] = d[5];
    }
    pattern[11] = digits.data[7];
    memcpy(upca, pattern, UPCA_DIGITS);
    return gtin_valid((struct slice){upca, UPCA_DIGITS});
}

static const char *format_of(size_t digits)
{
    switch (digits) {
    case 8:
        return "ean8";
    case 12:
        return "upca";
    case 13:
        return "ean13";
    default:
        return "itf14";
    }
}

static bool all_digits(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return text.len > 0;
}

/* Eight digits are an EAN-8 if its check digit fits, and a UPC-E if only that one's does. */
static bool read_digits(struct slice data, struct scan_meaning *meaning)
{
    char upca[UPCA_DIGITS];
    if (!all_digits(data))
        return false;
    if (gtin_valid(data)) {
        take_gtin(meaning, format_of(data.len), data);
        return true;
    }
    if (!expand_upce(data, upca))
        return false;
    take_gtin(meaning, "upce", (struct slice){upca, UPCA_DIGITS});
    return true;
}

static bool is_one_of(const char *aim, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(aim, *list) == 0)
            return true;
    return false;
}

/* Without an AIM identifier only what begins with a GTIN is taken for an element string. */
static bool looks_like_elements(struct slice data, const char *aim)
{
    static const char *const gs1[] = {"C1", "d2", "Q3", "e0", "J1", NULL};
    if (is_one_of(aim, gs1) || (data.len && data.data[0] == GS))
        return true;
    return data.len > 16 && data.data[0] == '0' && data.data[1] == '1' && !*aim;
}

static bool read_gs1(struct slice data, const char *aim, struct scan_meaning *meaning)
{
    const char *format = "gs1";
    bool read = looks_like_elements(data, aim) && scan_gs1_elements(data, &meaning->fields);
    if (!read) {
        format = "digital_link";
        meaning->fields.count = 0;
        read = scan_gs1_link(data, &meaning->fields);
    }
    if (!read)
        return false;
    const char *gtin = scan_field_find(&meaning->fields, "01");
    meaning->kind = SCAN_ITEM;
    meaning->format = format;
    if (gtin)
        take_gtin(meaning, format, slice_of(gtin));
    return true;
}

void scan_interpret(struct slice data, const char *aim, const struct scan_formats *formats,
                    struct arena *arena, struct scan_meaning *meaning)
{
    *meaning = (struct scan_meaning){.format = "", .fields = {.arena = arena}};
    if (read_return_number(data, meaning) || read_receipt(data, formats, meaning) ||
        read_fiscal(data, meaning))
        return;
    meaning->fields.count = 0;
    if (read_gs1(data, aim, meaning) || read_digits(data, meaning))
        return;
    meaning->fields.count = 0;
    if (cardnumber_in(data))
        meaning->kind = SCAN_CARD;
}

const char *scan_kind_name(enum scan_kind kind)
{
    static const char *const names[SCAN_KIND_COUNT] = {"unknown", "receipt", "return",
                                                       "item",    "fiscal",  "card"};
    return names[kind];
}

#include "agent/capture/scan_fiscal.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "sync/contract/money.h"

#include <string.h>

enum { PARTS_MAX = 24, TLV_BYTES_MAX = 2048, AMOUNT_TEXT_MAX = 24 };

static size_t split(struct slice text, char by, struct slice parts[static PARTS_MAX])
{
    size_t count = 0;
    size_t from = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.data[i] != by)
            continue;
        if (count == PARTS_MAX)
            return 0;
        parts[count++] = (struct slice){text.data + from, i - from};
        from = i + 1;
    }
    return count;
}

static bool starts(struct slice text, const char *with)
{
    size_t len = strlen(with);
    return text.len >= len && memcmp(text.data, with, len) == 0;
}

/* Hundredths of "12.34" or "-0,50", which must have two decimals at most. */
static bool hundredths(struct slice text, char point, int64_t *value)
{
    char copy[AMOUNT_TEXT_MAX];
    if (text.len == 0 || text.len > 15)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (point != '.' && text.data[i] == '.')
            return false;
        copy[i] = text.data[i] == point ? '.' : text.data[i];
    }
    struct decimal decimal;
    if (decimal_parse((struct slice){copy, text.len}, &decimal) != ERR_OK || decimal.places > 2)
        return false;
    for (unsigned i = decimal.places; i < 2; i++)
        decimal.digits *= 10;
    *value = decimal.digits;
    return true;
}

static bool add_amount(struct scan_fields *fields, const char *name, int64_t value)
{
    static const struct currency two = {"", 2};
    struct buf text CLEANUP(buf_free);
    buf_init(&text, AMOUNT_TEXT_MAX);
    money_format(&text, value, &two);
    return scan_field_add(fields, name, buf_slice(&text));
}

static bool add_amount_text(struct scan_fields *fields, const char *name, struct slice text)
{
    int64_t value;
    return hundredths(text, '.', &value) && add_amount(fields, name, value);
}

/* Several amounts, each its own field, and their sum as the total. */
static bool add_sum(struct scan_fields *fields, const char *const *names, const struct slice *parts,
                    char point)
{
    int64_t total = 0;
    for (size_t i = 0; i < 5; i++) {
        int64_t value;
        if (!hundredths(parts[i], point, &value) || !add_amount(fields, names[i], value))
            return false;
        total += value;
    }
    return add_amount(fields, "total", total);
}

/* --- Germany -----------------------------------------------------------------------------------
 */

/* "Beleg^75.33_7.99_0.00_0.00_0.00^10.00:Bar_73.32:Unbar" */
static bool add_process_data(struct slice data, struct scan_fields *fields)
{
    static const char *const names[] = {"gross_standard", "gross_reduced", "gross_average_1",
                                        "gross_average_2", "gross_zero"};
    struct slice parts[PARTS_MAX];
    struct slice amounts[PARTS_MAX];
    if (split(data, '^', parts) != 3 || !scan_field_add(fields, "process", parts[0]))
        return false;
    if (split(parts[1], '_', amounts) != 5 || !add_sum(fields, names, amounts, '.'))
        return false;
    return scan_field_add(fields, "payments", parts[2]);
}

static bool read_dsfinvk(struct slice text, struct scan_fields *fields)
{
    struct slice p[PARTS_MAX];
    if (!starts(text, "V0;") || split(text, ';', p) != 12 || !starts(p[2], "Kassenbeleg-V"))
        return false;
    struct buf id CLEANUP(buf_free);
    buf_init(&id, 200);
    buf_append(&id, p[1].data, p[1].len);
    buf_append_char(&id, '/');
    buf_append(&id, p[4].data, p[4].len);
    return !id.failed && p[1].len && p[4].len && scan_field_add(fields, "register", p[1]) &&
           add_process_data(p[3], fields) && scan_field_add(fields, "transaction", p[4]) &&
           scan_field_add(fields, "signature_counter", p[5]) &&
           scan_field_add(fields, "started", p[6]) && scan_field_add(fields, "time", p[7]) &&
           scan_field_add(fields, "receipt_id", buf_slice(&id));
}

/* --- Austria -----------------------------------------------------------------------------------
 */

static bool read_rksv(struct slice text, struct scan_fields *fields)
{
    static const char *const names[] = {"gross_normal", "gross_reduced_1", "gross_reduced_2",
                                        "gross_zero", "gross_special"};
    struct slice p[PARTS_MAX];
    if (!starts(text, "_R1-AT") || split(text, '_', p) != 14)
        return false;
    return p[2].len && p[3].len && scan_field_add(fields, "scheme", p[1]) &&
           scan_field_add(fields, "register", p[2]) && scan_field_add(fields, "receipt_id", p[3]) &&
           scan_field_add(fields, "time", p[4]) && add_sum(fields, names, p + 5, ',') &&
           scan_field_add(fields, "certificate", p[11]);
}

/* --- Portugal ----------------------------------------------------------------------------------
 */

static const struct {
    const char *key;
    const char *name;
    bool amount;
} atcud_fields[] = {
    {"A", "seller_tax_id", false},
    {"B", "buyer_tax_id", false},
    {"C", "buyer_country", false},
    {"D", "document_type", false},
    {"E", "document_status", false},
    {"F", "time", false},
    {"G", "receipt_id", false},
    {"H", "atcud", false},
    {"N", "tax", true},
    {"O", "total", true},
    {"R", "software_certificate", false},
};

static const struct slice *part_with_key(const struct slice *parts, size_t count, const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i < count; i++)
        if (starts(parts[i], key) && parts[i].len > len + 1 && parts[i].data[len] == ':')
            return &parts[i];
    return NULL;
}

/* The parts come in the order of the law, more of them than we name: I1 to K8, P, Q, S. */
static size_t split_atcud(struct slice text, struct slice *parts, size_t max)
{
    size_t count = 0;
    while (text.len && count < max) {
        const char *star = memchr(text.data, '*', text.len);
        size_t len = star ? (size_t)(star - text.data) : text.len;
        parts[count++] = (struct slice){text.data, len};
        len += star ? 1 : 0;
        text = (struct slice){text.data + len, text.len - len};
    }
    return text.len ? 0 : count;
}

static bool read_atcud(struct slice text, struct scan_fields *fields)
{
    struct slice parts[64];
    if (!starts(text, "A:"))
        return false;
    size_t count = split_atcud(text, parts, 64);
    for (size_t i = 0; i < sizeof atcud_fields / sizeof *atcud_fields; i++) {
        const struct slice *part = part_with_key(parts, count, atcud_fields[i].key);
        if (!part)
            return false;
        size_t skip = strlen(atcud_fields[i].key) + 1;
        struct slice value = {part->data + skip, part->len - skip};
        if (!(atcud_fields[i].amount ? add_amount_text(fields, atcud_fields[i].name, value)
                                     : scan_field_add(fields, atcud_fields[i].name, value)))
            return false;
    }
    return true;
}

/* --- Saudi Arabia ------------------------------------------------------------------------------
 */

static bool add_zatca(struct scan_fields *fields, unsigned tag, struct slice value)
{
    switch (tag) {
    case 1:
        return scan_field_add(fields, "seller", value);
    case 2:
        return scan_field_add(fields, "seller_tax_id", value);
    case 3:
        return scan_field_add(fields, "time", value);
    case 4:
        return add_amount_text(fields, "total", value);
    case 5:
        return add_amount_text(fields, "tax", value);
    case 6: /* with the second phase: what identifies the invoice, as base64 text */
        return scan_field_add(fields, "receipt_id", value);
    default:
        return tag <= 9; /* signature, key, stamp */
    }
}

static bool read_zatca(struct slice text, struct scan_fields *fields)
{
    struct buf bytes CLEANUP(buf_free);
    buf_init(&bytes, TLV_BYTES_MAX);
    if (!starts(text, "A")) /* tag 1 */
        return false;
    if (base64_decode(&bytes, text) != ERR_OK || bytes.failed)
        return false;
    unsigned expected = 1;
    for (size_t at = 0; at < bytes.len; expected++) {
        if (bytes.len - at < 2 || (unsigned char)bytes.data[at] != expected)
            return false;
        size_t len = (unsigned char)bytes.data[at + 1];
        at += 2;
        if (len == 0 || len > bytes.len - at ||
            !add_zatca(fields, expected, (struct slice){bytes.data + at, len}))
            return false;
        at += len;
    }
    return expected > 5;
}

const char *scan_fiscal(struct slice text, struct scan_fields *fields)
{
    static const struct {
        const char *name;
        bool (*read)(struct slice text, struct scan_fields *fields);
    } laws[] = {{"dsfinvk", read_dsfinvk},
                {"rksv", read_rksv},
                {"atcud", read_atcud},
                {"zatca", read_zatca}};
    for (size_t i = 0; i < sizeof laws / sizeof *laws; i++) {
        fields->count = 0;
        if (laws[i].read(text, fields))
            return laws[i].name;
    }
    return NULL;
}

#include "sync/hub/connect/settlement.h"
#include "sync/contract/money.h"
#include "sync/hub/connect/settlement_format.h"
#include "sync/hub/ledger/period.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *const format_words[] = {
#define FORMAT_WORD(upper, lower) #lower,
    SETTLEMENT_FORMATS(FORMAT_WORD)
#undef FORMAT_WORD
};

static const char *const kind_words[] = {
#define KIND_WORD(upper, lower) #lower,
    SETTLEMENT_KINDS(KIND_WORD)
#undef KIND_WORD
};

static const struct settlement_ops *const formats[] = {
    [SETTLEMENT_ADYEN] = &settlement_adyen,   [SETTLEMENT_STRIPE] = &settlement_stripe,
    [SETTLEMENT_AMAZON] = &settlement_amazon, [SETTLEMENT_CAMT053] = &settlement_camt,
    [SETTLEMENT_CAMT054] = &settlement_camt,
};

struct settlement_reader {
    const struct settlement_ops *ops;
    void *self;
};

enum err settlement_format_find(const char *name, enum settlement_format *format)
{
    for (size_t i = 0; i < SETTLEMENT_FORMAT_COUNT; i++) {
        if (strcmp(name, format_words[i]) == 0) {
            *format = (enum settlement_format)i;
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

const char *settlement_format_name(enum settlement_format format)
{
    return format_words[format];
}

enum settlement_kind settlement_kind_find(struct slice name)
{
    for (size_t i = 0; i < SETTLEMENT_KIND_COUNT; i++)
        if (slice_is(name, kind_words[i]))
            return (enum settlement_kind)i;
    return SETTLEMENT_KIND_OTHER;
}

const char *settlement_kind_name(enum settlement_kind kind)
{
    return kind_words[kind];
}

enum err settlement_open(enum settlement_format format, settlement_sink *sink, void *context,
                         struct settlement_reader **reader, struct fault *fault)
{
    struct settlement_reader *made = calloc(1, sizeof *made);
    if (made) {
        made->ops = formats[format];
        made->self = made->ops->open((struct settlement_out){sink, context}, format);
    }
    if (!made || !made->self) {
        free(made);
        return fault_set(fault, ERR_NO_MEMORY, "", "no room to read a settlement file");
    }
    *reader = made;
    return ERR_OK;
}

enum err settlement_feed(struct settlement_reader *reader, struct slice bytes, struct fault *fault)
{
    return reader->ops->feed(reader->self, bytes, fault);
}

enum err settlement_finish(struct settlement_reader *reader, struct fault *fault)
{
    return reader->ops->finish(reader->self, fault);
}

void settlement_close(struct settlement_reader *reader)
{
    if (!reader)
        return;
    reader->ops->close(reader->self);
    free(reader);
}

void settlement_text(char to[static SETTLEMENT_TEXT_MAX + 1], struct slice from)
{
    size_t len = from.len;
    if (len > SETTLEMENT_TEXT_MAX) {
        len = SETTLEMENT_TEXT_MAX;
        while (len && ((unsigned char)from.data[len] & 0xc0) == 0x80)
            len--;
    }
    memcpy(to, from.data, len);
    to[len] = '\0';
}

enum err settlement_currency(struct slice text, char to[static 4])
{
    char code[4] = "";
    if (text.len != 3)
        return ERR_INVALID;
    for (size_t i = 0; i < 3; i++)
        code[i] = (char)toupper((unsigned char)text.data[i]);
    if (!currency_find(slice_of(code)))
        return ERR_INVALID;
    memcpy(to, code, sizeof code);
    return ERR_OK;
}

enum err settlement_amount(struct slice text, const char *currency, int64_t *minor)
{
    const struct currency *known = currency_find(slice_of(currency));
    int places = -1; /* digits behind the point; -1: no point yet */
    bool any = false;
    bool comma = false;
    int64_t value = 0;
    if (!known)
        return ERR_INVALID;
    size_t i = text.len && (text.data[0] == '-' || text.data[0] == '+');
    if (text.len && i == text.len)
        return ERR_INVALID;
    for (; i < text.len; i++) {
        char c = text.data[i];
        if ((c == '.' || c == ',') && places < 0) {
            places = 0;
            comma = c == ',';
            continue;
        }
        if (c < '0' || c > '9')
            return ERR_INVALID;
        any = true;
        places += places >= 0;
        if (places > known->exponent) {
            if (c != '0')
                return ERR_INVALID;
            continue;
        }
        value = value * 10 + (c - '0');
        if (value > MONEY_MAX_MINOR)
            return ERR_INVALID;
    }
    if ((text.len && !any) || (comma && places == 3 && known->exponent != 3))
        return ERR_INVALID;
    for (int k = places < 0 ? 0 : places; k < known->exponent; k++)
        value *= 10;
    if (value > MONEY_MAX_MINOR)
        return ERR_INVALID;
    *minor = text.len && text.data[0] == '-' ? -value : value;
    return ERR_OK;
}

enum err settlement_day(struct slice text, int64_t *day)
{
    char iso[DAY_TEXT + 1] = "";
    if (text.len < DAY_TEXT)
        return ERR_INVALID;
    const char *t = text.data;
    if (t[2] == '.' || t[2] == '/') {
        if (t[5] != t[2])
            return ERR_INVALID;
        memcpy(iso, t + 6, 4);
        iso[4] = iso[7] = '-';
        memcpy(iso + 5, t + 3, 2);
        memcpy(iso + 8, t, 2);
    } else {
        memcpy(iso, t, DAY_TEXT);
    }
    return day_parse(iso, day);
}

#include "sync/hub/connect/journal_text.h"
#include "sync/contract/money.h"
#include "sync/hub/ledger/period.h"

#include <string.h>

/* Two decimals where the currency isn't known: what was booked has been checked before. */
static struct currency currency_of(const struct entry *entry)
{
    const struct currency *known = currency_find(slice_of(entry->currency));
    return known ? *known : (struct currency){.code = "XXX", .exponent = 2};
}

/* --- Plain-text accounting ------------------------------------------------------------------- */

/* Texts end at a line's end, and ; | ( ) mean something; two spaces end an account's name. */
static void write_plain(struct buf *out, const char *text)
{
    bool was_space = false;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool special = c < 0x20 || c == 0x7f || strchr(";|()[]{}@=\"", c);
        bool space = c == ' ';
        buf_append_char(out, special || (space && was_space) ? '_' : (char)c);
        was_space = space;
    }
}

static void write_posting(struct buf *out, const struct journal_line *line,
                          const struct currency *currency)
{
    buf_append_text(out, "    ");
    write_plain(out, line->account);
    buf_printf(out, "    %s ", currency->code);
    money_format(out, line->debit_minor - line->credit_minor, currency);
    buf_append_text(out, "  ; role: ");
    write_plain(out, line->key.role);
    buf_append_char(out, '\n');
}

void journal_text_ledger(struct buf *out, const struct entry *entry, int64_t day,
                         const struct journal_status *status)
{
    const struct currency currency = currency_of(entry);
    char posted[DAY_TEXT + 1];
    char document[DAY_TEXT + 1];
    day_format(day, posted);
    day_format(entry->document_day, document);
    buf_printf(out, "%s %c (%s) ", posted, strcmp(status->state, "posted") == 0 ? '*' : '!',
               entry->reference);
    write_plain(out, entry->number);
    buf_printf(out, " %s\n    ; return: %s\n    ; document-date: %s\n    ; store: ", entry->rule,
               entry->return_id, document);
    write_plain(out, entry->store);
    buf_append_char(out, '\n');
    for (size_t i = 0; i < entry->line_count; i++)
        write_posting(out, &entry->lines[i], &currency);
    buf_append_char(out, '\n');
}

/* --- CSV ------------------------------------------------------------------------------------- */

static void write_cell(struct buf *out, const char *text)
{
    buf_append_char(out, '"');
    if (*text && strchr("=+-@\t\r", *text))
        buf_append_char(out, '\'');
    for (; *text; text++) {
        if (*text == '"')
            buf_append_char(out, '"');
        buf_append_char(out, *text);
    }
    buf_append_text(out, "\",");
}

static void write_amount(struct buf *out, int64_t amount_minor, const struct currency *currency)
{
    if (amount_minor)
        money_format(out, amount_minor, currency);
}

void journal_text_csv_head(struct buf *out)
{
    buf_append_text(out, "reference,return_id,number,event_id,rule,company,store,document_date,"
                         "state,posted_number,account,role,tender,jurisdiction,rate,text,"
                         "currency,debit,credit\r\n");
}

void journal_text_csv(struct buf *out, const struct entry *entry,
                      const struct journal_status *status)
{
    const struct currency currency = currency_of(entry);
    char day[DAY_TEXT + 1];
    day_format(entry->document_day, day);
    for (size_t i = 0; i < entry->line_count; i++) {
        const struct journal_line *line = &entry->lines[i];
        const char *const cells[] = {
            entry->reference, entry->return_id,       entry->number,  entry->event_id,
            entry->rule,      entry->company,         entry->store,   day,
            status->state,    status->number,         line->account,  line->key.role,
            line->key.tender, line->key.jurisdiction, line->key.rate, entry->text,
            entry->currency};
        for (size_t k = 0; k < sizeof cells / sizeof *cells; k++)
            write_cell(out, cells[k]);
        write_amount(out, line->debit_minor, &currency);
        buf_append_char(out, ',');
        write_amount(out, line->credit_minor, &currency);
        buf_append_text(out, "\r\n");
    }
}

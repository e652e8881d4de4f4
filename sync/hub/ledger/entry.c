#include "sync/hub/ledger/entry.h"
#include "sync/contract/money.h"
#include "sync/hub/ledger/period.h"

#include <stddef.h>
#include <string.h>

int64_t entry_imbalance(const struct entry *entry)
{
    int64_t sum = 0;
    for (size_t i = 0; i < entry->line_count; i++)
        sum += entry->lines[i].debit_minor - entry->lines[i].credit_minor;
    return sum;
}

int64_t entry_role_balance(const struct entry *entry, const char *role)
{
    int64_t sum = 0;
    for (size_t i = 0; i < entry->line_count; i++)
        if (strcmp(entry->lines[i].key.role, role) == 0)
            sum += entry->lines[i].debit_minor - entry->lines[i].credit_minor;
    return sum;
}

static bool key_equal(const struct chart_key *a, const struct chart_key *b)
{
    return strcmp(a->role, b->role) == 0 && strcmp(a->country, b->country) == 0 &&
           strcmp(a->tender, b->tender) == 0 && strcmp(a->jurisdiction, b->jurisdiction) == 0 &&
           strcmp(a->rate, b->rate) == 0;
}

static struct journal_line *find_line(const struct entry *entry, const char *account,
                                      const struct chart_key *key)
{
    for (size_t i = 0; i < entry->line_count; i++)
        if (strcmp(entry->lines[i].account, account) == 0 && key_equal(&entry->lines[i].key, key))
            return &entry->lines[i];
    return NULL;
}

static enum err make_room(struct entry *entry, struct arena *arena, struct fault *fault)
{
    if (entry->line_count < entry->line_room)
        return ERR_OK;
    if (entry->line_count == ENTRY_LINES_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "lines", "an entry has at most %d lines",
                         ENTRY_LINES_MAX);
    size_t room = entry->line_room ? 2 * entry->line_room : 8;
    struct journal_line *lines = arena_alloc(arena, room, sizeof *lines);
    if (!lines)
        return fault_set(fault, ERR_NO_MEMORY, "lines", "no room for an entry");
    if (entry->line_count)
        memcpy(lines, entry->lines, entry->line_count * sizeof *lines);
    entry->lines = lines;
    entry->line_room = room;
    return ERR_OK;
}

enum err entry_add(struct entry *entry, struct arena *arena, const char *account,
                   const struct chart_key *key, int64_t amount_minor, struct fault *fault)
{
    if (amount_minor == 0)
        return ERR_OK;
    struct journal_line *line = find_line(entry, account, key);
    if (!line) {
        enum err err = make_room(entry, arena, fault);
        if (err)
            return err;
        line = &entry->lines[entry->line_count++];
        *line = (struct journal_line){.account = account, .key = *key};
    }
    int64_t balance = line->debit_minor - line->credit_minor + amount_minor;
    line->debit_minor = balance > 0 ? balance : 0;
    line->credit_minor = balance < 0 ? -balance : 0;
    return ERR_OK;
}

void entry_tidy(struct entry *entry)
{
    size_t kept = 0;
    for (size_t i = 0; i < entry->line_count; i++)
        if (entry->lines[i].debit_minor || entry->lines[i].credit_minor)
            entry->lines[kept++] = entry->lines[i];
    entry->line_count = kept;
}

static void write_unless_empty(struct jsonw *w, const char *key, const char *text)
{
    if (*text)
        jsonw_text(w, key, text);
}

static void write_line(struct jsonw *w, const struct journal_line *line)
{
    jsonw_object(w, NULL);
    jsonw_text(w, "account", line->account);
    jsonw_text(w, "role", line->key.role);
    write_unless_empty(w, "country", line->key.country);
    write_unless_empty(w, "tender", line->key.tender);
    write_unless_empty(w, "jurisdiction", line->key.jurisdiction);
    write_unless_empty(w, "rate", line->key.rate);
    if (line->debit_minor)
        jsonw_int(w, "debit", line->debit_minor);
    else
        jsonw_int(w, "credit", line->credit_minor);
    jsonw_end(w);
}

void entry_write(struct jsonw *w, const char *key, const struct entry *entry)
{
    char day[DAY_TEXT + 1];
    day_format(entry->document_day, day);
    jsonw_object(w, key);
    jsonw_text(w, "reference", entry->reference);
    jsonw_text(w, "return", entry->return_id);
    jsonw_text(w, "number", entry->number);
    jsonw_text(w, "event", entry->event_id);
    jsonw_text(w, "rule", entry->rule);
    jsonw_text(w, "company", entry->company);
    jsonw_text(w, "store", entry->store);
    jsonw_text(w, "currency", entry->currency);
    jsonw_text(w, "document_date", day);
    jsonw_text(w, "text", entry->text);
    if (entry->reversed)
        jsonw_bool(w, "reversed", true);
    jsonw_array(w, "lines");
    for (size_t i = 0; i < entry->line_count; i++)
        write_line(w, &entry->lines[i]);
    jsonw_end(w);
    jsonw_end(w);
}

struct read_entry {
    struct entry entry;
    const char *document_date;
};

#define TEXT(key_name, how, type, member)                                                          \
    {                                                                                              \
        .name = (key_name), .kind = JSON_TEXT, .presence = JSON_##how,                             \
        .offset = offsetof(type, member), .max = 512                                               \
    }
#define AMOUNT(key_name, member)                                                                   \
    {                                                                                              \
        .name = (key_name), .kind = JSON_INT, .presence = JSON_OPTIONAL,                           \
        .offset = offsetof(struct journal_line, member), .min = 0, .max = MONEY_MAX_MINOR          \
    }

static const struct json_field line_fields[] = {
    TEXT("account", REQUIRED, struct journal_line, account),
    TEXT("role", REQUIRED, struct journal_line, key.role),
    TEXT("country", OPTIONAL, struct journal_line, key.country),
    TEXT("tender", OPTIONAL, struct journal_line, key.tender),
    TEXT("jurisdiction", OPTIONAL, struct journal_line, key.jurisdiction),
    TEXT("rate", OPTIONAL, struct journal_line, key.rate),
    AMOUNT("debit", debit_minor),
    AMOUNT("credit", credit_minor),
};
static const struct json_table line_table = {.fields = line_fields,
                                             .count = sizeof line_fields / sizeof *line_fields,
                                             .item_size = sizeof(struct journal_line)};

static const struct json_field entry_fields[] = {
    TEXT("reference", REQUIRED, struct read_entry, entry.reference),
    TEXT("return", REQUIRED, struct read_entry, entry.return_id),
    TEXT("number", REQUIRED, struct read_entry, entry.number),
    TEXT("event", REQUIRED, struct read_entry, entry.event_id),
    TEXT("rule", REQUIRED, struct read_entry, entry.rule),
    TEXT("company", REQUIRED, struct read_entry, entry.company),
    TEXT("store", REQUIRED, struct read_entry, entry.store),
    TEXT("currency", REQUIRED, struct read_entry, entry.currency),
    TEXT("document_date", REQUIRED, struct read_entry, document_date),
    TEXT("text", REQUIRED, struct read_entry, entry.text),
    {.name = "reversed",
     .kind = JSON_FLAG,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct read_entry, entry.reversed)},
    {.name = "lines",
     .kind = JSON_LIST,
     .offset = offsetof(struct read_entry, entry.lines),
     .count_offset = offsetof(struct read_entry, entry.line_count),
     .items = &line_table,
     .max = ENTRY_LINES_MAX},
};
static const struct json_table entry_table = {.fields = entry_fields,
                                              .count = sizeof entry_fields / sizeof *entry_fields,
                                              .item_size = sizeof(struct read_entry)};

static void fill_empty(const char **text)
{
    if (!*text)
        *text = "";
}

enum err entry_read(const struct cJSON *json, struct arena *arena, struct entry *entry,
                    struct fault *fault)
{
    struct read_entry read = {0};
    enum err err = json_read(json, &entry_table, &read, arena, fault);
    if (err)
        return err;
    if (day_parse(read.document_date, &read.entry.document_day))
        return fault_set(fault, ERR_INVALID, "document_date", "must be a day like 2026-11-22");
    for (size_t i = 0; i < read.entry.line_count; i++) {
        struct journal_line *line = &read.entry.lines[i];
        fill_empty(&line->key.country);
        fill_empty(&line->key.tender);
        fill_empty(&line->key.jurisdiction);
        fill_empty(&line->key.rate);
        if ((line->debit_minor > 0) == (line->credit_minor > 0))
            return fault_set(fault, ERR_INVALID, "lines", "a line has either debit or credit");
    }
    if (entry_imbalance(&read.entry) != 0)
        return fault_set(fault, ERR_INVALID, "lines", "debits and credits differ");
    *entry = read.entry;
    return ERR_OK;
}

#include "agent/capture/change_input.h"
#include "agent/returns/cardnumber.h"
#include "agent/returns/words.h"
#include "sync/contract/money.h"

#include <stddef.h>
#include <stdio.h>

const char *const dispute_stage_words[] = {"opened", "fee", "lost", "won", NULL};

enum { NOTE_MAX = 500, CODE_MAX = 64, REFERENCE_MAX = 128, LINES_MAX = 1000, TENDERS_MAX = 64 };

#define QUANTITY_MAX INT64_C(1000000000)

#define LINE(member) offsetof(struct change_line, member)
static const struct json_field received_line_fields[] = {
    {.name = "line", .kind = JSON_INT, .offset = LINE(line), .min = 1, .max = 100000},
    {.name = "quantity", .kind = JSON_INT, .offset = LINE(quantity), .min = 1, .max = QUANTITY_MAX},
    {.name = "condition", .kind = JSON_TEXT, .offset = LINE(condition), .min = 1, .max = CODE_MAX},
    {.name = "disposition",
     .kind = JSON_CHOICE,
     .presence = JSON_OPTIONAL,
     .offset = LINE(disposition),
     .choices = disposition_words,
     .present_offset = LINE(has_disposition)},
};
static const struct json_table received_line = {
    received_line_fields, sizeof received_line_fields / sizeof *received_line_fields,
    sizeof(struct change_line), false};

static const struct json_field disposed_line_fields[] = {
    {.name = "line", .kind = JSON_INT, .offset = LINE(line), .min = 1, .max = 100000},
    {.name = "quantity", .kind = JSON_INT, .offset = LINE(quantity), .min = 1, .max = QUANTITY_MAX},
    {.name = "condition",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = LINE(condition),
     .min = 1,
     .max = CODE_MAX},
    {.name = "disposition",
     .kind = JSON_CHOICE,
     .presence = JSON_OPTIONAL,
     .offset = LINE(disposition),
     .choices = disposition_words,
     .present_offset = LINE(has_disposition)},
    {.name = "from",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = LINE(from),
     .max = CODE_MAX},
    {.name = "nrv",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = LINE(nrv_minor),
     .min = 0,
     .max = MONEY_MAX_MINOR,
     .present_offset = LINE(has_nrv)},
};
static const struct json_table disposed_line = {
    disposed_line_fields, sizeof disposed_line_fields / sizeof *disposed_line_fields,
    sizeof(struct change_line), false};

#define TENDER(member) offsetof(struct change_tender, member)
static const struct json_field tender_fields[] = {
    {.name = "position",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = TENDER(position),
     .min = 0,
     .max = TENDERS_MAX,
     .present_offset = TENDER(has_position)},
    {.name = "tender",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = TENDER(tender),
     .min = 0,
     .max = 100000,
     .present_offset = TENDER(has_tender)},
    {.name = "amount",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = TENDER(amount_minor),
     .min = 0,
     .max = MONEY_MAX_MINOR,
     .present_offset = TENDER(has_amount)},
    {.name = "reference",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = TENDER(reference),
     .min = 1,
     .max = REFERENCE_MAX},
    {.name = "failed",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = TENDER(failed),
     .min = 1,
     .max = NOTE_MAX},
};
static const struct json_table tender_table = {tender_fields,
                                               sizeof tender_fields / sizeof *tender_fields,
                                               sizeof(struct change_tender), false};

#define INPUT(member) offsetof(struct change_input, member)
#define NOTE_FIELD                                                                                 \
    {                                                                                              \
        .name = "note", .kind = JSON_TEXT, .presence = JSON_OPTIONAL, .offset = INPUT(note),       \
        .min = 0, .max = NOTE_MAX                                                                  \
    }

static const struct json_field note_fields[] = {NOTE_FIELD};
static const struct json_field approve_fields[] = {
    NOTE_FIELD,
    {.name = "total",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = INPUT(total_minor),
     .min = -MONEY_MAX_MINOR,
     .max = MONEY_MAX_MINOR,
     .present_offset = INPUT(has_total)},
};
static const struct json_field receive_fields[] = {
    NOTE_FIELD,
    {.name = "lines",
     .kind = JSON_LIST,
     .offset = INPUT(lines),
     .min = 1,
     .max = LINES_MAX,
     .items = &received_line,
     .count_offset = INPUT(line_count)},
};
static const struct json_field dispose_fields[] = {
    NOTE_FIELD,
    {.name = "lines",
     .kind = JSON_LIST,
     .offset = INPUT(lines),
     .min = 1,
     .max = LINES_MAX,
     .items = &disposed_line,
     .count_offset = INPUT(line_count)},
};
static const struct json_field refund_fields[] = {
    NOTE_FIELD,
    {.name = "tenders",
     .kind = JSON_LIST,
     .presence = JSON_OPTIONAL,
     .offset = INPUT(tenders),
     .min = 1,
     .max = TENDERS_MAX,
     .items = &tender_table,
     .count_offset = INPUT(tender_count)},
};
static const struct json_field dispute_fields[] = {
    NOTE_FIELD,
    {.name = "stage",
     .kind = JSON_CHOICE,
     .presence = JSON_OPTIONAL,
     .offset = INPUT(stage),
     .choices = dispute_stage_words},
    {.name = "position",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = INPUT(position),
     .min = 0,
     .max = TENDERS_MAX},
    {.name = "amount",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = INPUT(amount_minor),
     .min = 0,
     .max = MONEY_MAX_MINOR,
     .present_offset = INPUT(has_amount)},
    {.name = "fee",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = INPUT(fee_minor),
     .min = 0,
     .max = MONEY_MAX_MINOR},
};

#define TABLE(fields)                                                                              \
    {                                                                                              \
        fields, sizeof(fields) / sizeof *(fields), sizeof(struct change_input), false              \
    }
static const struct json_table tables[CAPTURE_KIND_COUNT] = {
    [CAPTURE_APPROVE] = TABLE(approve_fields), [CAPTURE_DECLINE] = TABLE(note_fields),
    [CAPTURE_RECEIVE] = TABLE(receive_fields), [CAPTURE_REFUND] = TABLE(refund_fields),
    [CAPTURE_DISPOSE] = TABLE(dispose_fields), [CAPTURE_VOID] = TABLE(note_fields),
    [CAPTURE_DISPUTE] = TABLE(dispute_fields),
};

static void within(struct fault *fault, const char *list, size_t index)
{
    char head[FAULT_WHERE_MAX];
    (void)snprintf(head, sizeof head, "%s[%zu]", list, index);
    fault_within(fault, head);
}

/* Goods that were disposed of go further only out of a place where they wait. */
static enum err check_line(const struct change_line *line, struct fault *fault)
{
    static const char *const places[] = {"quarantine", "repair", NULL};
    if (line->from && word_find(places, line->from) < 0)
        return fault_set(fault, ERR_INVALID, "from", "must be quarantine or repair");
    return cardnumber_refuse(line->condition, "condition", NULL, fault);
}

static enum err check_tender(const struct change_tender *tender, struct fault *fault)
{
    enum err err = cardnumber_refuse(tender->reference, "reference", NULL, fault);
    return err ? err : cardnumber_refuse(tender->failed, "failed", NULL, fault);
}

static enum err check_texts(const struct change_input *input, struct fault *fault)
{
    enum err err = cardnumber_refuse(input->note, "note", NULL, fault);
    for (size_t i = 0; i < input->line_count && !err; i++)
        if ((err = check_line(&input->lines[i], fault)))
            within(fault, "lines", i);
    for (size_t i = 0; i < input->tender_count && !err; i++)
        if ((err = check_tender(&input->tenders[i], fault)))
            within(fault, "tenders", i);
    return err;
}

enum err change_input_read(enum capture_kind kind, const struct cJSON *json, struct arena *arena,
                           struct change_input *input, struct fault *fault)
{
    enum err err = json_read(json, &tables[kind], input, arena, fault);
    return err ? err : check_texts(input, fault);
}

/*
 * Bank statements and notifications (ISO 20022 camt.053 and camt.054), any version: elements are
 * known by their local names. One line for each booked entry. A document type declaration is
 * refused, and with it every entity but XML's own five.
 */
#include "hal/xml.h"
#include "sync/hub/connect/settlement_format.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32, NAME_MAX_BYTES = 32, TEXT_MAX = 1024, FEED_MAX = 1 << 20 };

/* What is kept of an entry. */
enum part {
    STATEMENT_ID,
    AMOUNT,
    DIRECTION,
    REVERSAL,
    STATUS,
    BOOKED,
    VALUE,
    BANK_REFERENCE,
    ENTRY_REFERENCE,
    END_TO_END,
    REMITTANCE,
    ENTRY_TEXT,
    PART_COUNT,
    NO_PART = PART_COUNT,
};

/* Where it stands: the last elements of the path, from the root downwards. */
static const struct {
    enum part part;
    const char *path[5];
} places[] = {
    {STATEMENT_ID, {"Stmt", "Id"}},
    {STATEMENT_ID, {"Ntfctn", "Id"}},
    {AMOUNT, {"Ntry", "Amt"}},
    {DIRECTION, {"Ntry", "CdtDbtInd"}},
    {REVERSAL, {"Ntry", "RvslInd"}},
    {STATUS, {"Ntry", "Sts"}},
    {STATUS, {"Ntry", "Sts", "Cd"}},
    {BOOKED, {"Ntry", "BookgDt", "Dt"}},
    {BOOKED, {"Ntry", "BookgDt", "DtTm"}},
    {VALUE, {"Ntry", "ValDt", "Dt"}},
    {VALUE, {"Ntry", "ValDt", "DtTm"}},
    {BANK_REFERENCE, {"Ntry", "AcctSvcrRef"}},
    {ENTRY_REFERENCE, {"Ntry", "NtryRef"}},
    {END_TO_END, {"TxDtls", "Refs", "EndToEndId"}},
    {REMITTANCE, {"TxDtls", "RmtInf", "Ustrd"}},
    {REMITTANCE, {"RmtInf", "Strd", "CdtrRefInf", "Ref"}},
    {ENTRY_TEXT, {"Ntry", "AddtlNtryInf"}},
};

struct camt {
    struct settlement_out out;
    XML_Parser parser;
    const char *root; /* what the message must hold */
    char names[DEPTH_MAX][NAME_MAX_BYTES];
    size_t depth;
    bool root_seen;
    enum part part; /* that the text at hand belongs to */
    char text[TEXT_MAX];
    size_t text_len;
    char parts[PART_COUNT][TEXT_MAX];
    char currency[8];
    size_t entries;
    struct fault fault;
    bool failed;
};

static void fail(struct camt *camt, enum err code, const char *rule)
{
    if (camt->failed)
        return;
    char where[32];
    struct buf text;
    buf_init(&text, sizeof where - 1);
    buf_printf(&text, "line %lu", xml_line(camt->parser));
    fault_set(&camt->fault, code, text.data ? text.data : "", "%s", rule);
    buf_free(&text);
    camt->failed = true;
    XML_StopParser(camt->parser, XML_FALSE);
}

static const char *local_name(const char *name)
{
    const char *behind = strrchr(name, '|');
    return behind ? behind + 1 : name;
}

/* True if the open elements end with this path. */
static bool path_is(const struct camt *camt, const char *const path[5])
{
    size_t len = 0;
    while (len < 5 && path[len])
        len++;
    if (len > camt->depth)
        return false;
    for (size_t i = 0; i < len; i++)
        if (strcmp(camt->names[camt->depth - len + i], path[i]) != 0)
            return false;
    return true;
}

static enum part part_here(const struct camt *camt)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (path_is(camt, places[i].path))
            return places[i].part;
    return NO_PART;
}

static void begin_entry(struct camt *camt)
{
    for (size_t i = AMOUNT; i < PART_COUNT; i++)
        camt->parts[i][0] = '\0';
    camt->currency[0] = '\0';
}

static void XMLCALL start(void *context, const XML_Char *qualified, const XML_Char **attributes)
{
    struct camt *camt = context;
    const char *name = local_name(qualified);
    size_t len = strlen(name);
    if (camt->depth == DEPTH_MAX) {
        fail(camt, ERR_TOO_DEEP, "elements are nested too deep");
        return;
    }
    if (len >= NAME_MAX_BYTES)
        len = NAME_MAX_BYTES - 1;
    memcpy(camt->names[camt->depth], name, len);
    camt->names[camt->depth][len] = '\0';
    camt->depth++;
    if (camt->depth == 2 && strcmp(name, camt->root) == 0)
        camt->root_seen = true;
    if (strcmp(name, "Ntry") == 0)
        begin_entry(camt);
    camt->part = part_here(camt);
    camt->text_len = 0;
    for (size_t i = 0; camt->part == AMOUNT && attributes[i]; i += 2)
        if (strcmp(attributes[i], "Ccy") == 0 && strlen(attributes[i + 1]) < sizeof camt->currency)
            memcpy(camt->currency, attributes[i + 1], strlen(attributes[i + 1]) + 1);
}

static void XMLCALL text(void *context, const XML_Char *bytes, int len)
{
    struct camt *camt = context;
    if (camt->part == NO_PART)
        return;
    if ((size_t)len >= TEXT_MAX - camt->text_len) {
        fail(camt, ERR_TOO_LARGE, "a text is too long");
        return;
    }
    memcpy(camt->text + camt->text_len, bytes, (size_t)len);
    camt->text_len += (size_t)len;
}

/* The text without white space around it. */
static struct slice trimmed(const char *from, size_t len)
{
    static const char white[] = " \t\r\n";
    while (len && strchr(white, from[len - 1]))
        len--;
    while (len && strchr(white, *from)) {
        from++;
        len--;
    }
    return (struct slice){from, len};
}

/* What an entry says that takes back an earlier one: whether money came or went, it wasn't ours. */
static enum settlement_kind kind_of(const struct camt *camt, bool credit)
{
    const char *reversal = camt->parts[REVERSAL];
    if (strcmp(reversal, "true") != 0 && strcmp(reversal, "1") != 0)
        return credit ? SETTLEMENT_KIND_PAYOUT : SETTLEMENT_KIND_OTHER;
    return credit ? SETTLEMENT_KIND_OTHER : SETTLEMENT_KIND_PAYOUT_REVERSED;
}

static const char *first_said(const struct camt *camt, enum part part, enum part otherwise)
{
    return camt->parts[camt->parts[part][0] ? part : otherwise];
}

static enum err read_entry(struct camt *camt, struct settlement_line *line)
{
    bool credit = strcmp(camt->parts[DIRECTION], "CRDT") == 0;
    if (!credit && strcmp(camt->parts[DIRECTION], "DBIT") != 0)
        return fault_set(&camt->fault, ERR_INVALID, "Ntry/CdtDbtInd", "must be CRDT or DBIT");
    if (settlement_currency(slice_of(camt->currency), line->currency))
        return fault_set(&camt->fault, ERR_INVALID, "Ntry/Amt/@Ccy", "must be an ISO 4217 code");
    if (!camt->parts[AMOUNT][0] ||
        settlement_amount(slice_of(camt->parts[AMOUNT]), line->currency, &line->gross_minor) ||
        line->gross_minor < 0)
        return fault_set(&camt->fault, ERR_INVALID, "Ntry/Amt", "must be an amount");
    if (settlement_day(slice_of(first_said(camt, BOOKED, VALUE)), &line->day))
        return fault_set(&camt->fault, ERR_INVALID, "Ntry/BookgDt", "must be a day");
    if (!credit)
        line->gross_minor = -line->gross_minor;
    line->kind = kind_of(camt, credit);
    line->net_minor = line->gross_minor;
    memcpy(line->net_currency, line->currency, sizeof line->currency);
    settlement_text(line->type, slice_of(camt->parts[DIRECTION]));
    settlement_text(line->batch, slice_of(camt->parts[STATEMENT_ID]));
    settlement_text(line->reference, slice_of(first_said(camt, BANK_REFERENCE, ENTRY_REFERENCE)));
    settlement_text(line->own, slice_of(camt->parts[END_TO_END]));
    settlement_text(line->payment, slice_of(first_said(camt, REMITTANCE, ENTRY_TEXT)));
    return ERR_OK;
}

static void end_entry(struct camt *camt)
{
    const char *status = camt->parts[STATUS];
    struct settlement_line line = {.row = ++camt->entries};
    if (camt->entries > SETTLEMENT_ROWS_MAX) {
        fail(camt, ERR_TOO_LARGE, "too many entries");
        return;
    }
    if (*status && strcmp(status, "BOOK") != 0)
        return;
    enum err err = read_entry(camt, &line);
    if (!err)
        err = camt->out.sink(camt->out.context, &line, &camt->fault);
    if (err) {
        camt->fault.code = err;
        camt->failed = true;
        XML_StopParser(camt->parser, XML_FALSE);
    }
}

/* Texts about the payment follow each other, as far as there is room; of all else the first counts.
 */
static void keep_part(struct camt *camt)
{
    struct slice value = trimmed(camt->text, camt->text_len);
    char *kept = camt->parts[camt->part];
    size_t len = strlen(kept);
    if (len && (camt->part != REMITTANCE || !value.len || len + value.len + 2 > TEXT_MAX))
        return;
    if (len)
        kept[len++] = ' ';
    memcpy(kept + len, value.data, value.len);
    kept[len + value.len] = '\0';
}

static void XMLCALL end(void *context, const XML_Char *qualified)
{
    struct camt *camt = context;
    if (camt->failed)
        return;
    if (camt->part != NO_PART)
        keep_part(camt);
    if (strcmp(local_name(qualified), "Ntry") == 0)
        end_entry(camt);
    if (path_is(camt, (const char *const[5]){"Stmt"}) ||
        path_is(camt, (const char *const[5]){"Ntfctn"}))
        camt->parts[STATEMENT_ID][0] = '\0';
    camt->depth--;
    camt->part = NO_PART;
}

static void XMLCALL doctype(void *context, const XML_Char *name, const XML_Char *system,
                            const XML_Char *public, int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    fail(context, ERR_INVALID, "a document type declaration is not allowed");
}

static void *camt_open(struct settlement_out out, enum settlement_format format)
{
    struct camt *camt = calloc(1, sizeof *camt);
    XML_Parser parser = XML_ParserCreateNS(NULL, '|');
    if (!camt || !parser) {
        free(camt);
        if (parser)
            XML_ParserFree(parser);
        return NULL;
    }
    camt->out = out;
    camt->parser = parser;
    camt->part = NO_PART;
    camt->root = format == SETTLEMENT_CAMT053 ? "BkToCstmrStmt" : "BkToCstmrDbtCdtNtfctn";
    XML_SetUserData(parser, camt);
    XML_SetElementHandler(parser, start, end);
    XML_SetCharacterDataHandler(parser, text);
    XML_SetStartDoctypeDeclHandler(parser, doctype);
    return camt;
}

static enum err parse(struct camt *camt, struct slice bytes, bool last, struct fault *fault)
{
    enum XML_Status status = XML_Parse(camt->parser, bytes.data, (int)bytes.len, last);
    if (status == XML_STATUS_OK)
        return ERR_OK;
    if (!camt->failed)
        fail(camt, ERR_INVALID, XML_ErrorString(XML_GetErrorCode(camt->parser)));
    if (fault)
        *fault = camt->fault;
    return camt->fault.code;
}

static enum err camt_feed(void *self, struct slice bytes, struct fault *fault)
{
    enum err err = ERR_OK;
    while (bytes.len && !err) {
        struct slice piece = {bytes.data, bytes.len < FEED_MAX ? bytes.len : FEED_MAX};
        err = parse(self, piece, false, fault);
        bytes = (struct slice){bytes.data + piece.len, bytes.len - piece.len};
    }
    return err;
}

static enum err camt_finish(void *self, struct fault *fault)
{
    struct camt *camt = self;
    enum err err = parse(camt, (struct slice){"", 0}, true, fault);
    if (!err && !camt->root_seen)
        err = fault_set(fault, ERR_INVALID, "Document", "must hold %s", camt->root);
    return err;
}

static void camt_close(void *self)
{
    XML_ParserFree(((struct camt *)self)->parser);
    free(self);
}

const struct settlement_ops settlement_camt = {camt_open, camt_feed, camt_finish, camt_close};

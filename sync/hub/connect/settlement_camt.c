/*
 * Bank statements and notifications (ISO 20022 camt.053 and camt.054), any version: elements are
 * known by their local names. One line for each booked entry. A document type declaration is
 * refused, and with it every entity but XML's own five.
 */
#include "sync/hub/connect/settlement_format.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32, NAME_MAX_BYTES = 32, TEXT_MAX = 1024, FEED_MAX = 1 << 20 };

/* What is kept of an entry, by the end of its path. */
enum part {
    STATEMENT_ID,
    AMOUNT,
    DIRECTION,
    STATUS,
    STATUS_CODE,
    BOOKED_DAY,
    BOOKED_TIME,
    BANK_REFERENCE,
    ENTRY_REFERENCE,
    END_TO_END,
    REMITTANCE,
    PART_COUNT,
    NO_PART = PART_COUNT,
};

/* The last elements of each path, from the root downwards. */
static const struct {
    const char *path[5];
} paths[PART_COUNT] = {
    [STATEMENT_ID] = {{"Id"}}, /* of Stmt or Ntfctn: see part_here */
    [AMOUNT] = {{"Ntry", "Amt"}},
    [DIRECTION] = {{"Ntry", "CdtDbtInd"}},
    [STATUS] = {{"Ntry", "Sts"}},
    [STATUS_CODE] = {{"Ntry", "Sts", "Cd"}},
    [BOOKED_DAY] = {{"Ntry", "BookgDt", "Dt"}},
    [BOOKED_TIME] = {{"Ntry", "BookgDt", "DtTm"}},
    [BANK_REFERENCE] = {{"Ntry", "AcctSvcrRef"}},
    [ENTRY_REFERENCE] = {{"Ntry", "NtryRef"}},
    [END_TO_END] = {{"TxDtls", "Refs", "EndToEndId"}},
    [REMITTANCE] = {{"TxDtls", "RmtInf", "Ustrd"}},
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
    buf_printf(&text, "line %lu", (unsigned long)XML_GetCurrentLineNumber(camt->parser));
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
    static const char *const statement[5] = {"Stmt", "Id"};
    static const char *const notification[5] = {"Ntfctn", "Id"};
    if (path_is(camt, statement) || path_is(camt, notification))
        return STATEMENT_ID;
    for (size_t i = AMOUNT; i < PART_COUNT; i++)
        if (path_is(camt, paths[i].path))
            return (enum part)i;
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

static enum err read_entry(struct camt *camt, struct settlement_line *line)
{
    const char *day = camt->parts[camt->parts[BOOKED_DAY][0] ? BOOKED_DAY : BOOKED_TIME];
    const char *reference =
        camt->parts[camt->parts[BANK_REFERENCE][0] ? BANK_REFERENCE : ENTRY_REFERENCE];
    bool credit = strcmp(camt->parts[DIRECTION], "CRDT") == 0;
    if (!credit && strcmp(camt->parts[DIRECTION], "DBIT") != 0)
        return fault_set(&camt->fault, ERR_INVALID, "Ntry/CdtDbtInd", "must be CRDT or DBIT");
    if (settlement_currency(slice_of(camt->currency), line->currency))
        return fault_set(&camt->fault, ERR_INVALID, "Ntry/Amt/@Ccy", "must be an ISO 4217 code");
    if (!camt->parts[AMOUNT][0] ||
        settlement_amount(slice_of(camt->parts[AMOUNT]), line->currency, &line->gross_minor) ||
        line->gross_minor < 0)
        return fault_set(&camt->fault, ERR_INVALID, "Ntry/Amt", "must be an amount");
    if (settlement_day(slice_of(day), &line->day))
        return fault_set(&camt->fault, ERR_INVALID, "Ntry/BookgDt", "must be a day");
    if (!credit)
        line->gross_minor = -line->gross_minor;
    line->kind = credit ? SETTLEMENT_KIND_PAYOUT : SETTLEMENT_KIND_OTHER;
    line->net_minor = line->gross_minor;
    memcpy(line->net_currency, line->currency, sizeof line->currency);
    settlement_text(line->type, slice_of(camt->parts[DIRECTION]));
    settlement_text(line->batch, slice_of(camt->parts[STATEMENT_ID]));
    settlement_text(line->reference, slice_of(reference));
    settlement_text(line->own, slice_of(camt->parts[END_TO_END]));
    settlement_text(line->payment, slice_of(camt->parts[REMITTANCE]));
    return ERR_OK;
}

static void end_entry(struct camt *camt)
{
    const char *status = camt->parts[camt->parts[STATUS_CODE][0] ? STATUS_CODE : STATUS];
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

static void XMLCALL end(void *context, const XML_Char *qualified)
{
    struct camt *camt = context;
    if (camt->failed)
        return;
    if (camt->part != NO_PART && !camt->parts[camt->part][0]) {
        struct slice value = trimmed(camt->text, camt->text_len);
        memcpy(camt->parts[camt->part], value.data, value.len);
        camt->parts[camt->part][value.len] = '\0';
    }
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

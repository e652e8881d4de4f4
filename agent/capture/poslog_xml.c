#include "agent/capture/poslog_xml.h"
#include "hal/code_page.h"
#include "hal/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_BYTES = 64, PATH_MAX_BYTES = 256 };

static const char *const namespaces[] = {
    "http://www.nrf-arts.org/IXRetail/namespace/",
    "http://www.nrf-arts.org/IXRetail/v6.0.0/poslog",
    NULL,
};

/* What an element opens for those inside it, and what its own texts are of. */
enum context { IN_DOCUMENT, IN_TRANSACTION, IN_LINE, IN_TAX, IN_LINK };

struct level {
    char name[NAME_MAX_BYTES + 1]; /* "" for what isn't ours */
    enum context context;
    unsigned base; /* depth of the element that opened the context */
};

struct reader {
    XML_Parser parser;
    struct arena *arena;
    struct poslog poslog;
    struct poslog_transaction **last;
    struct poslog_transaction *transaction;
    struct poslog_line *line; /* being read; NULL outside */
    struct poslog_tax *tax;
    struct poslog_link *link;
    size_t line_room;
    struct level levels[POSLOG_DEPTH_MAX + 1];
    unsigned depth;
    struct buf text;
    struct fault *fault;
    enum err err;
};

static void refuse(struct reader *r, enum err code, const char *rule)
{
    if (r->err)
        return;
    char where[FAULT_WHERE_MAX];
    (void)snprintf(where, sizeof where, "line %lu, column %lu", xml_line(r->parser),
                   xml_column(r->parser));
    r->err = fault_set(r->fault, code, where, "%s", rule);
    XML_StopParser(r->parser, XML_FALSE);
}

/* --- Where texts go: the path below the element that opened the context, and the member ---------
 */

struct place {
    enum context context;
    const char *path;
    size_t offset;
};

#define OF_TRANSACTION(path, member)                                                               \
    {                                                                                              \
        IN_TRANSACTION, path, offsetof(struct poslog_transaction, member)                          \
    }
#define OF_LINE(path, member)                                                                      \
    {                                                                                              \
        IN_LINE, path, offsetof(struct poslog_line, member)                                        \
    }
#define OF_TAX(path, member)                                                                       \
    {                                                                                              \
        IN_TAX, path, offsetof(struct poslog_tax, member)                                          \
    }
#define OF_LINK(path, member)                                                                      \
    {                                                                                              \
        IN_LINK, path, offsetof(struct poslog_link, member)                                        \
    }

/* {} stands for Sale or Return. */
static const struct place places[] = {
    OF_TRANSACTION("BusinessUnit/UnitID", store),
    OF_TRANSACTION("RetailStoreID", store),
    OF_TRANSACTION("WorkstationID", workstation),
    OF_TRANSACTION("SequenceNumber", sequence),
    OF_TRANSACTION("BusinessDayDate", date),
    OF_TRANSACTION("BeginDateTime", begun),
    OF_TRANSACTION("EndDateTime", ended),
    OF_TRANSACTION("OperatorID", operator),
    OF_TRANSACTION("CurrencyCode", currency),
    OF_TRANSACTION("ReceiptNumber", receipt),
    OF_TRANSACTION("RetailTransaction/ReceiptNumber", receipt),
    OF_TRANSACTION("RetailTransaction/@TransactionStatus", status),
    OF_LINE("SequenceNumber", sequence),
    OF_LINE("{}/@ItemType", item_type),
    OF_LINE("{}/ItemID", item),
    OF_LINE("{}/POSIdentity/POSItemID", pos_item),
    OF_LINE("{}/Description", description),
    OF_LINE("{}/MerchandiseHierarchy", category),
    OF_LINE("{}/SerialNumber", serial),
    OF_LINE("{}/Quantity/@UnitOfMeasureCode", unit),
    OF_LINE("{}/Quantity", quantity),
    OF_LINE("{}/ExtendedAmount", amount),
    OF_LINE("{}/ExtendedCostAmount", cost),
    OF_LINE("{}/Reason", reason),
    OF_LINE("{}/ReasonCode", reason),
    OF_LINE("{}/@ReasonCode", reason),
    OF_LINE("{}/Disposal/@Method", disposal),
    OF_LINE("Tender/@TenderType", tender),
    OF_LINE("Tender/@TypeCode", tender_code),
    OF_LINE("Tender/Amount", amount),
    OF_LINE("Tender/TenderChange/Amount", change),
    OF_LINE("Tender/Authorization/ReferenceNumber", reference),
    OF_TAX("@TaxType", type),
    OF_TAX("TaxGroupID", group),
    OF_TAX("TaxAuthority", authority),
    OF_TAX("Percent", percent),
    OF_TAX("Amount", amount),
    OF_LINK("@ReasonCode", reason),
    OF_LINK("ReceiptNumber", receipt),
    OF_LINK("BusinessUnit/UnitID", store),
    OF_LINK("RetailStoreID", store),
    OF_LINK("WorkstationID", workstation),
    OF_LINK("BusinessDayDate", date),
    OF_LINK("SequenceNumber", sequence),
    OF_LINK("LineItemSequenceNumber", line),
};

/* "{}/Quantity" fits "Sale/Quantity" and "Return/Quantity". */
static bool path_fits(const char *pattern, const char *path)
{
    if (strncmp(pattern, "{}/", 3) != 0)
        return strcmp(pattern, path) == 0;
    if (strncmp(path, "Sale/", 5) == 0)
        return strcmp(pattern + 3, path + 5) == 0;
    return strncmp(path, "Return/", 7) == 0 && strcmp(pattern + 3, path + 7) == 0;
}

static void *target_of(const struct reader *r, enum context context)
{
    switch (context) {
    case IN_TRANSACTION:
        return r->transaction;
    case IN_LINE:
        return r->line;
    case IN_TAX:
        return r->tax;
    case IN_LINK:
        return r->link;
    default:
        return NULL;
    }
}

/* The names below the context's own element, down to the current one. */
static bool path_of(const struct reader *r, const char *attribute, char path[static PATH_MAX_BYTES])
{
    size_t len = 0;
    path[0] = '\0';
    for (unsigned i = r->levels[r->depth].base + 1; i <= r->depth; i++) {
        if (!r->levels[i].name[0])
            return false;
        int put =
            snprintf(path + len, PATH_MAX_BYTES - len, "%s%s", len ? "/" : "", r->levels[i].name);
        if (put < 0 || (size_t)put >= PATH_MAX_BYTES - len)
            return false;
        len += (size_t)put;
    }
    if (!attribute)
        return true;
    int put = snprintf(path + len, PATH_MAX_BYTES - len, "%s@%s", len ? "/" : "", attribute);
    return put > 0 && (size_t)put < PATH_MAX_BYTES - len;
}

/* The first of its kind counts: a hierarchy's first level, an item's first description. */
static void keep(struct reader *r, const char *attribute, struct slice text)
{
    char path[PATH_MAX_BYTES];
    enum context context = r->levels[r->depth].context;
    char *target = target_of(r, context);
    if (!target || !path_of(r, attribute, path))
        return;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (places[i].context != context || !path_fits(places[i].path, path))
            continue;
        const char **member = (const char **)(void *)(target + places[i].offset);
        if (**member)
            return;
        const char *copy = arena_slice_text(r->arena, text);
        if (!copy)
            refuse(r, ERR_TOO_LARGE, "the document holds too much");
        else
            *member = copy;
        return;
    }
}

/* --- Elements --------------------------------------------------------------------------------- */

/* So that every text is one, also where the till said nothing. */
static void clear(void *object, enum context context)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (places[i].context == context)
            *(const char **)(void *)((char *)object + places[i].offset) = "";
}

static const char *attribute_of(const char **attributes, const char *name)
{
    for (; attributes[0]; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return "";
}

static bool is_true(const char *text)
{
    return strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
}

static void open_transaction(struct reader *r, const char **attributes)
{
    struct poslog_transaction *t = arena_alloc(r->arena, 1, sizeof *t);
    if (!t || r->poslog.count == POSLOG_TRANSACTIONS_MAX) {
        refuse(r, ERR_TOO_LARGE, "the document holds too many transactions");
        return;
    }
    clear(t, IN_TRANSACTION);
    clear(&t->link, IN_LINK);
    t->cancelled = is_true(attribute_of(attributes, "CancelFlag"));
    t->training = is_true(attribute_of(attributes, "TrainingModeFlag"));
    *r->last = t;
    r->last = &t->next;
    r->poslog.count++;
    r->transaction = t;
    r->line_room = 0;
}

static bool make_room(struct reader *r)
{
    struct poslog_transaction *t = r->transaction;
    if (t->line_count < r->line_room)
        return true;
    if (t->line_count == POSLOG_LINES_MAX)
        return false;
    size_t room = r->line_room ? 2 * r->line_room : 8;
    struct poslog_line *lines = arena_alloc(r->arena, room, sizeof *lines);
    if (!lines)
        return false;
    if (t->line_count)
        memcpy(lines, t->lines, t->line_count * sizeof *lines);
    t->lines = lines;
    r->line_room = room;
    return true;
}

static void open_line(struct reader *r, const char **attributes)
{
    if (!make_room(r)) {
        refuse(r, ERR_TOO_LARGE, "the transaction has too many lines");
        return;
    }
    r->line = &r->transaction->lines[r->transaction->line_count++];
    *r->line = (struct poslog_line){.voided = is_true(attribute_of(attributes, "VoidFlag"))};
    clear(r->line, IN_LINE);
    clear(&r->line->link, IN_LINK);
}

static void open_tax(struct reader *r)
{
    r->tax = NULL;
    r->line->taxes_seen++;
    if (r->line->tax_count == POSLOG_TAXES_MAX)
        return; /* refused when the line is mapped */
    r->tax = &r->line->taxes[r->line->tax_count++];
    clear(r->tax, IN_TAX);
}

static bool parent_is(const struct reader *r, const char *name)
{
    return strcmp(r->levels[r->depth - 1].name, name) == 0;
}

static void choose_line_kind(struct reader *r, const char *name)
{
    static const struct {
        const char *name;
        enum poslog_line_kind kind;
    } kinds[] = {{"Sale", POSLOG_SALE},
                 {"Return", POSLOG_RETURN},
                 {"Tender", POSLOG_TENDER},
                 {"Tax", POSLOG_TAX}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(name, kinds[i].name) == 0)
            r->line->kind = kinds[i].kind;
}

static void open_context(struct reader *r, const char *name, const char **attributes)
{
    struct level *level = &r->levels[r->depth];
    enum context context = level->context;
    if (context == IN_DOCUMENT && strcmp(name, "Transaction") == 0 && r->depth == 2) {
        open_transaction(r, attributes);
        context = IN_TRANSACTION;
    } else if (context == IN_TRANSACTION && strcmp(name, "LineItem") == 0 &&
               parent_is(r, "RetailTransaction")) {
        open_line(r, attributes);
        context = IN_LINE;
    } else if (context == IN_LINE && strcmp(name, "Tax") == 0) {
        if (parent_is(r, "LineItem"))
            choose_line_kind(r, name);
        open_tax(r);
        context = IN_TAX;
    } else if (strcmp(name, "TransactionLink") == 0 &&
               (context == IN_LINE || context == IN_TRANSACTION)) {
        r->link = context == IN_LINE ? &r->line->link : &r->transaction->link;
        context = IN_LINK;
    } else {
        if (context == IN_LINE && parent_is(r, "LineItem"))
            choose_line_kind(r, name);
        if (context == IN_TRANSACTION && strcmp(name, "RetailTransaction") == 0)
            r->transaction->retail = true;
        return;
    }
    level->context = context;
    level->base = r->depth;
}

/* The name without its namespace; "" if that isn't POSLog's. */
static void local_name(const char *full, char name[static NAME_MAX_BYTES + 1])
{
    const char *bar = strrchr(full, '|');
    name[0] = '\0';
    for (size_t i = 0; bar && namespaces[i]; i++)
        if (strlen(namespaces[i]) == (size_t)(bar - full) &&
            strncmp(full, namespaces[i], (size_t)(bar - full)) == 0 &&
            strlen(bar + 1) <= NAME_MAX_BYTES)
            memcpy(name, bar + 1, strlen(bar + 1) + 1);
}

static void XMLCALL on_start(void *user, const char *full, const char **attributes)
{
    struct reader *r = user;
    if (r->err)
        return;
    if (r->depth == POSLOG_DEPTH_MAX) {
        refuse(r, ERR_TOO_DEEP, "elements are nested too deep");
        return;
    }
    if (XML_GetSpecifiedAttributeCount(r->parser) > 2 * POSLOG_ATTRIBUTES_MAX) {
        refuse(r, ERR_TOO_LARGE, "an element has too many attributes");
        return;
    }
    struct level *level = &r->levels[++r->depth];
    level->context = r->levels[r->depth - 1].context;
    level->base = r->levels[r->depth - 1].base;
    local_name(full, level->name);
    if (r->depth == 1 && strcmp(level->name, "POSLog") != 0) {
        refuse(r, ERR_INVALID, "the document is no POSLog of a known namespace");
        return;
    }
    buf_reset(&r->text);
    if (!level->name[0])
        return;
    open_context(r, level->name, attributes);
    for (; attributes[0] && !r->err; attributes += 2)
        keep(r, attributes[0], slice_of(attributes[1]));
}

static struct slice trimmed(struct slice text)
{
    static const char blanks[] = " \t\r\n";
    while (text.len && memchr(blanks, text.data[0], 4))
        text = (struct slice){text.data + 1, text.len - 1};
    while (text.len && memchr(blanks, text.data[text.len - 1], 4))
        text.len--;
    return text;
}

static void close_context(struct reader *r, const struct level *level)
{
    if (level->base != r->depth)
        return;
    switch (level->context) {
    case IN_LINE:
        r->line = NULL;
        break;
    case IN_TAX:
        r->tax = NULL;
        break;
    case IN_LINK:
        r->link = NULL;
        break;
    case IN_TRANSACTION:
        r->transaction = NULL;
        break;
    default:
        break;
    }
}

static void XMLCALL on_end(void *user, const char *full)
{
    (void)full;
    struct reader *r = user;
    if (r->err)
        return;
    const struct level *level = &r->levels[r->depth];
    if (r->text.failed)
        refuse(r, ERR_TOO_LARGE, "a text is longer than 1000 bytes");
    else if (level->name[0] && r->text.len)
        keep(r, NULL, trimmed(buf_slice(&r->text)));
    buf_reset(&r->text);
    close_context(r, level);
    r->depth--;
}

static void XMLCALL on_text(void *user, const char *text, int len)
{
    struct reader *r = user;
    if (!r->err && r->depth && r->levels[r->depth].name[0])
        buf_append(&r->text, text, (size_t)len);
}

static void XMLCALL on_doctype(void *user, const char *name, const char *system, const char *public,
                               int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    refuse(user, ERR_REFUSED, "a document type declaration is not taken");
}

/* What expat doesn't know by itself, and tills on Windows write. */
static int XMLCALL on_encoding(void *user, const char *name, XML_Encoding *encoding)
{
    (void)user;
    if (strcasecmp(name, "windows-1252") != 0)
        return XML_STATUS_ERROR;
    for (unsigned i = 0; i < 256; i++) {
        unsigned character = code_page_character(CODE_PAGE_1252, (unsigned char)i);
        encoding->map[i] = character == CODE_PAGE_NO_CHARACTER ? -1 : (int)character;
    }
    return XML_STATUS_OK;
}

static const char *rule_of(enum XML_Error error)
{
    return error == XML_ERROR_UNKNOWN_ENCODING
               ? "its encoding is not known here: write it as UTF-8, ISO-8859-1 or windows-1252"
               : XML_ErrorString(error);
}

static enum err parse(struct reader *r, struct slice xml)
{
    XML_SetUserData(r->parser, r);
    XML_SetUnknownEncodingHandler(r->parser, on_encoding, NULL);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    if (XML_Parse(r->parser, xml.data, (int)xml.len, 1) == XML_STATUS_OK)
        return r->err;
    if (!r->err)
        refuse(r, ERR_INVALID, rule_of(XML_GetErrorCode(r->parser)));
    return r->err;
}

enum err poslog_read(struct slice xml, struct arena *arena, struct poslog *poslog,
                     struct fault *fault)
{
    if (xml.len > POSLOG_BYTES_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "", "a POSLog has at most %d bytes",
                         POSLOG_BYTES_MAX);
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    r->arena = arena;
    r->fault = fault;
    r->last = &r->poslog.first;
    buf_init(&r->text, POSLOG_TEXT_MAX);
    r->parser = XML_ParserCreateNS(NULL, '|');
    enum err err = r->parser ? parse(r, xml) : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (!err)
        *poslog = r->poslog;
    if (r->parser)
        XML_ParserFree(r->parser);
    buf_free(&r->text);
    free(r);
    return err;
}

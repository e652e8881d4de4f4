#include "sync/hub/ledger/books.h"
#include "documents.h"

#include <stddef.h>
#include <string.h>

/* What a line of a template asks for when the goods may be in quarantine or in repair. */
static const char *const holding_roles[] = {"quarantine_stock", "repair_stock"};

struct day_range {
    const char *from;
    const char *to;
};

struct read_company {
    struct company company;
    struct day_range *closed;
    size_t closed_count;
    int when_closed;
};

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define TABLE(list, type)                                                                          \
    {                                                                                              \
        .fields = (list), .count = COUNT(list), .item_size = sizeof(type)                          \
    }
#define TEXT(key, how, type, member, least)                                                        \
    {                                                                                              \
        .name = (key), .kind = JSON_TEXT, .presence = JSON_##how,                                  \
        .offset = offsetof(type, member), .min = (least), .max = 64                                \
    }
#define LIST(key, how, type, member, counter, table, most)                                         \
    {                                                                                              \
        .name = (key), .kind = JSON_LIST, .presence = JSON_##how,                                  \
        .offset = offsetof(type, member), .count_offset = offsetof(type, counter),                 \
        .items = &(table), .max = (most)                                                           \
    }

static const char *const when_closed_words[] = {"park", "move", NULL};

static const struct json_field row_fields[] = {
    TEXT("role", REQUIRED, struct chart_row, key.role, 1),
    TEXT("country", OPTIONAL, struct chart_row, key.country, 2),
    TEXT("tender", OPTIONAL, struct chart_row, key.tender, 1),
    TEXT("jurisdiction", OPTIONAL, struct chart_row, key.jurisdiction, 1),
    TEXT("rate", OPTIONAL, struct chart_row, key.rate, 1),
    TEXT("account", REQUIRED, struct chart_row, account, 1),
    TEXT("name", OPTIONAL, struct chart_row, name, 0),
};
static const struct json_table row_table = TABLE(row_fields, struct chart_row);

static const struct json_field range_fields[] = {
    TEXT("from", REQUIRED, struct day_range, from, DAY_TEXT),
    TEXT("to", REQUIRED, struct day_range, to, DAY_TEXT),
};
static const struct json_table range_table = TABLE(range_fields, struct day_range);

static const struct json_field company_fields[] = {
    TEXT("company", REQUIRED, struct read_company, company.name, 1),
    TEXT("country", REQUIRED, struct read_company, company.country, 2),
    {.name = "stores",
     .kind = JSON_TEXTS,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct read_company, company.stores),
     .count_offset = offsetof(struct read_company, company.store_count),
     .max = BOOKS_ROWS_MAX},
    LIST("accounts", REQUIRED, struct read_company, company.chart.rows, company.chart.count,
         row_table, BOOKS_ROWS_MAX),
    LIST("templates", OPTIONAL, struct read_company, company.own, company.own_count, template_table,
         TRIGGER_COUNT),
    LIST("closed", OPTIONAL, struct read_company, closed, closed_count, range_table, 1000),
    {.name = "when_closed",
     .kind = JSON_CHOICE,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct read_company, when_closed),
     .choices = when_closed_words},
};
static const struct json_table company_table = TABLE(company_fields, struct read_company);

struct read_document {
    int64_t version;
    struct template *templates;
    size_t template_count;
    struct read_company *companies;
    size_t company_count;
};

static const struct json_field document_fields[] = {
    {.name = "version",
     .kind = JSON_INT,
     .offset = offsetof(struct read_document, version),
     .min = 1,
     .max = 1},
    LIST("templates", OPTIONAL, struct read_document, templates, template_count, template_table,
         TRIGGER_COUNT),
    {.name = "companies",
     .kind = JSON_LIST,
     .offset = offsetof(struct read_document, companies),
     .count_offset = offsetof(struct read_document, company_count),
     .items = &company_table,
     .min = 1,
     .max = BOOKS_COMPANIES_MAX},
};
static const struct json_table document_table = TABLE(document_fields, struct read_document);

static struct slice default_text(void)
{
    for (size_t i = 0; i < COUNT(document_files); i++)
        if (strcmp(document_files[i].path, "books.default.json") == 0)
            return (struct slice){(const char *)document_files[i].data, document_files[i].len};
    return (struct slice){"", 0};
}

static void fill_empty(const char **text)
{
    if (!*text)
        *text = "";
}

static enum err read_document(struct slice text, struct arena *arena, struct cJSON **json,
                              struct read_document *document, struct fault *fault)
{
    struct json_limits limits = {.bytes = BOOKS_BYTES_MAX, .depth = 8};
    enum err err = json_parse(text, limits, json, fault);
    if (!err)
        err = json_read(*json, &document_table, document, arena, fault);
    return err;
}

static enum err take_templates(struct company *company, const struct template *templates,
                               size_t count, struct fault *fault)
{
    bool given[TRIGGER_COUNT] = {false};
    for (size_t i = 0; i < count; i++) {
        enum err err = template_check(&templates[i], fault);
        if (!err && given[templates[i].trigger])
            err = fault_set(fault, ERR_INVALID, trigger_name((enum trigger)templates[i].trigger),
                            "the trigger has two templates");
        if (err)
            return err;
        given[templates[i].trigger] = true;
        company->templates[templates[i].trigger] = &templates[i];
    }
    return ERR_OK;
}

static const char *lacking(const struct company *company, const char *role)
{
    if (strcmp(role, "holding") != 0)
        return chart_has_role(&company->chart, role) ? NULL : role;
    for (size_t i = 0; i < COUNT(holding_roles); i++)
        if (!chart_has_role(&company->chart, holding_roles[i]))
            return holding_roles[i];
    return NULL;
}

const char *company_lacks(const struct company *company, enum trigger trigger)
{
    const struct template *template = company->templates[trigger];
    const char *role = NULL;
    for (size_t i = 0; i < template->line_count && !role; i++)
        role = lacking(company, template->lines[i].role);
    return role;
}

/* A template that ships may be newer than the document: entries that lack an account will wait. */
static bool ships(const struct read_document *defaults, const struct template *template)
{
    const struct template *end = defaults->templates + defaults->template_count;
    return defaults->templates <= template && end > template;
}

static enum err check_roles(const struct company *company, const struct read_document *defaults,
                            struct fault *fault)
{
    for (size_t i = 0; i < TRIGGER_COUNT; i++) {
        const char *role = company_lacks(company, (enum trigger)i);
        if (role && !ships(defaults, company->templates[i]))
            return fault_set(fault, ERR_INVALID, "accounts",
                             "role \"%s\" has no account in company \"%s\"", role, company->name);
    }
    return ERR_OK;
}

static enum err take_periods(const struct read_company *from, struct arena *arena,
                             struct company *company, struct fault *fault)
{
    struct closed_period *closed = arena_alloc(arena, from->closed_count + 1, sizeof *closed);
    if (!closed)
        return fault_set(fault, ERR_TOO_LARGE, "closed", "too many periods");
    for (size_t i = 0; i < from->closed_count; i++)
        if (day_parse(from->closed[i].from, &closed[i].first_day) ||
            day_parse(from->closed[i].to, &closed[i].last_day) ||
            closed[i].first_day > closed[i].last_day)
            return fault_set(fault, ERR_INVALID, "closed", "must run from a day to a later day");
    company->periods =
        (struct period_rule){closed, from->closed_count, (enum when_closed)from->when_closed};
    return ERR_OK;
}

static enum err take_company(const struct read_company *from, const struct read_document *defaults,
                             const struct read_document *document, struct arena *arena,
                             struct company *company, struct fault *fault)
{
    *company = from->company;
    for (size_t i = 0; i < company->chart.count; i++) {
        struct chart_key *key = &company->chart.rows[i].key;
        fill_empty(&key->country);
        fill_empty(&key->tender);
        fill_empty(&key->jurisdiction);
        fill_empty(&key->rate);
        fill_empty(&company->chart.rows[i].name);
    }
    enum err err = take_templates(company, defaults->templates, defaults->template_count, fault);
    if (!err)
        err = take_templates(company, document->templates, document->template_count, fault);
    if (!err)
        err = take_templates(company, company->own, company->own_count, fault);
    if (!err)
        err = check_roles(company, defaults, fault);
    if (!err)
        err = take_periods(from, arena, company, fault);
    return err;
}

static const struct company *company_of_store(const struct books *books, const char *store)
{
    const struct company *other = NULL;
    for (size_t i = 0; i < books->count; i++) {
        const struct company *company = &books->companies[i];
        for (size_t k = 0; k < company->store_count; k++)
            if (strcmp(company->stores[k], store) == 0)
                return company;
        if (company->store_count == 0 && !other)
            other = company;
    }
    return other;
}

/* A name, a store, and "all other stores" may each belong to one company only. */
static enum err check_companies(const struct books *books, struct fault *fault)
{
    size_t without_stores = 0;
    for (size_t i = 0; i < books->count; i++) {
        const struct company *company = &books->companies[i];
        without_stores += company->store_count == 0;
        for (size_t k = 0; k < i; k++)
            if (strcmp(books->companies[k].name, company->name) == 0)
                return fault_set(fault, ERR_INVALID, "companies", "\"%s\" occurs twice",
                                 company->name);
        for (size_t k = 0; k < company->store_count; k++)
            if (company_of_store(books, company->stores[k]) != company)
                return fault_set(fault, ERR_INVALID, "companies", "store \"%s\" has two companies",
                                 company->stores[k]);
    }
    if (without_stores > 1)
        return fault_set(fault, ERR_INVALID, "companies",
                         "only one company may take all other stores");
    return ERR_OK;
}

static enum err read_books(struct slice text, struct books *books, struct fault *fault)
{
    struct read_document defaults = {0};
    struct read_document document = {0};
    enum err err = read_document(default_text(), &books->arena, &books->defaults, &defaults, fault);
    if (err)
        return fault_wrap(fault, err, "the books that ship");
    if (text.len)
        err = read_document(text, &books->arena, &books->document, &document, fault);
    else
        document = defaults;
    if (err)
        return err;
    books->count = document.company_count;
    books->companies = arena_alloc(&books->arena, books->count, sizeof *books->companies);
    if (!books->companies)
        return fault_set(fault, ERR_NO_MEMORY, "companies", "no room to read the books");
    for (size_t i = 0; i < books->count && !err; i++)
        err = take_company(&document.companies[i], &defaults, &document, &books->arena,
                           &books->companies[i], fault);
    return err ? err : check_companies(books, fault);
}

enum err books_open(struct slice text, struct books *books, struct fault *fault)
{
    struct books made = {0};
    arena_init(&made.arena, 8 * (size_t)BOOKS_BYTES_MAX);
    enum err err = read_books(text, &made, fault);
    if (err) {
        books_close(&made);
        return err;
    }
    *books = made;
    return ERR_OK;
}

void books_close(struct books *books)
{
    if (!books)
        return;
    json_free(books->defaults);
    json_free(books->document);
    arena_free(&books->arena);
    *books = (struct books){0};
}

enum err books_company(const struct books *books, const char *name, const char *store,
                       const struct company **company, struct fault *fault)
{
    if (!*name) {
        const struct company *found = company_of_store(books, store);
        if (!found)
            return fault_set(fault, ERR_NOT_FOUND, "store", "no company has store \"%s\"", store);
        *company = found;
        return ERR_OK;
    }
    for (size_t i = 0; i < books->count; i++) {
        if (strcmp(books->companies[i].name, name) == 0) {
            *company = &books->companies[i];
            return ERR_OK;
        }
    }
    return fault_set(fault, ERR_NOT_FOUND, "company", "there is no company \"%s\"", name);
}

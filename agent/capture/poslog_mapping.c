#include "agent/capture/poslog_mapping.h"
#include "agent/returns/fields.h"
#include "documents.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAPPING_BYTES_MAX = 256 * 1024, ARENA_MAX_BYTES = 4 * 1024 * 1024, FACTOR_MAX = 1000000 };

struct mapping {
    const char *version;
    struct poslog_source *sources;
    size_t count;
};

struct poslog_mapping {
    struct cJSON *doc;
    struct arena arena;
    struct mapping read;
};

static const char *const status_words[] = {"finished", "skip", NULL};

#define FROM(type)                                                                                 \
    {                                                                                              \
        .name = "from", .kind = JSON_TEXT, AT(type, from), .max = FIELD_NAME_MAX                   \
    }
#define WORD_TABLE(name, words)                                                                    \
    static const struct json_field name##_fields[] = {FROM(poslog_word),                           \
                                                      CHOICE(poslog_word, "to", to, words)};       \
    static const struct json_table name##_table = TABLE(name##_fields, poslog_word)

WORD_TABLE(status, status_words);
WORD_TABLE(tender, tender_words);
WORD_TABLE(kind, kind_words);

static const struct json_field code_fields[] = {FROM(poslog_code), NAME(poslog_code, "to", to)};
static const struct json_table code_table = TABLE(code_fields, poslog_code);

static const struct json_field unit_fields[] = {
    FROM(poslog_unit),
    CHOICE(poslog_unit, "unit", unit, unit_words),
    {.name = "factor", .kind = JSON_INT, AT(poslog_unit, factor), .min = 1, .max = FACTOR_MAX},
};
static const struct json_table unit_table = TABLE(unit_fields, poslog_unit);

static const struct json_field tax_fields[] = {
    FROM(poslog_tax_code),
    CHOICE(poslog_tax_code, "type", type, tax_words),
    CHOICE(poslog_tax_code, "class", class, tax_class_words),
    OPTIONAL_NAME(poslog_tax_code, "jurisdiction", jurisdiction),
};
static const struct json_table tax_table = TABLE(tax_fields, poslog_tax_code);

#define CODES(field, member, counter, table)                                                       \
    LIST(poslog_source, field, member, counter, table, 0, POSLOG_CODES_MAX)

static const struct json_field source_fields[] = {
    NAME(poslog_source, "name", name),
    {.name = "workstations",
     .kind = JSON_TEXTS,
     .presence = JSON_OPTIONAL,
     AT(poslog_source, workstations),
     .max = POSLOG_CODES_MAX,
     .count_offset = offsetof(struct poslog_source, workstation_count)},
    FLAG(poslog_source, "prices_include_tax", prices_include_tax),
    OPTIONAL_NAME(poslog_source, "currency", currency),
    NAME(poslog_source, "receipt", receipt),
    CODES("statuses", statuses, status_count, status_table),
    CODES("tenders", tenders, tender_count, tender_table),
    CODES("kinds", kinds, kind_count, kind_table),
    CODES("units", units, unit_count, unit_table),
    CODES("taxes", taxes, tax_count, tax_table),
    CODES("reasons", reasons, reason_count, code_table),
    CODES("conditions", conditions, condition_count, code_table),
};
static const struct json_table source_table = TABLE(source_fields, poslog_source);

static const struct json_field mapping_fields[] = {
    NAME(mapping, "version", version),
    LIST(mapping, "sources", sources, count, source_table, 1, POSLOG_SOURCES_MAX),
};
static const struct json_table mapping_table = TABLE(mapping_fields, mapping);

enum err poslog_mapping_read(struct poslog_mapping **out, struct slice text, struct fault *fault)
{
    struct poslog_mapping *made = calloc(1, sizeof *made);
    if (!made)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    arena_init(&made->arena, ARENA_MAX_BYTES);
    struct json_limits limits = {.bytes = MAPPING_BYTES_MAX, .depth = 8};
    enum err err = json_parse(text, limits, &made->doc, fault);
    if (!err)
        err = json_read(made->doc, &mapping_table, &made->read, &made->arena, fault);
    if (err) {
        poslog_mapping_close(made);
        return fault_wrap(fault, err, "the POSLog mapping");
    }
    *out = made;
    return ERR_OK;
}

static struct slice shipped(void)
{
    for (size_t i = 0; i < sizeof document_files / sizeof *document_files; i++)
        if (strcmp(document_files[i].path, "poslog.default.json") == 0)
            return (struct slice){(const char *)document_files[i].data, document_files[i].len};
    return (struct slice){"", 0};
}

enum err poslog_mapping_open(struct poslog_mapping **mapping, const char *path, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, MAPPING_BYTES_MAX);
    enum err err = path ? storage_read(path, &text, fault) : ERR_OK;
    return err ? err : poslog_mapping_read(mapping, path ? buf_slice(&text) : shipped(), fault);
}

void poslog_mapping_close(struct poslog_mapping *mapping)
{
    if (!mapping)
        return;
    json_free(mapping->doc);
    arena_free(&mapping->arena);
    free(mapping);
}

const char *poslog_mapping_version(const struct poslog_mapping *mapping)
{
    return mapping->read.version;
}

static bool takes(const struct poslog_source *source, const char *workstation)
{
    for (size_t i = 0; i < source->workstation_count; i++)
        if (strcmp(source->workstations[i], workstation) == 0)
            return true;
    return source->workstation_count == 0;
}

const struct poslog_source *poslog_mapping_source(const struct poslog_mapping *mapping,
                                                  const char *workstation)
{
    for (size_t i = 0; i < mapping->read.count; i++)
        if (takes(&mapping->read.sources[i], workstation))
            return &mapping->read.sources[i];
    return NULL;
}

int poslog_word_find(const struct poslog_word *words, size_t count, const char *from)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i].from, from) == 0)
            return words[i].to;
    return -1;
}

const char *poslog_code_find(const struct poslog_code *codes, size_t count, const char *from)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(codes[i].from, from) == 0)
            return codes[i].to;
    return NULL;
}

const struct poslog_unit *poslog_unit_find(const struct poslog_source *source, const char *from)
{
    for (size_t i = 0; i < source->unit_count; i++)
        if (strcmp(source->units[i].from, from) == 0)
            return &source->units[i];
    return NULL;
}

static const struct poslog_tax_code *tax_named(const struct poslog_source *source, const char *from)
{
    for (size_t i = 0; i < source->tax_count; i++)
        if (strcmp(source->taxes[i].from, from) == 0)
            return &source->taxes[i];
    return NULL;
}

const struct poslog_tax_code *poslog_tax_find(const struct poslog_source *source, const char *type,
                                              const char *group)
{
    char both[2 * FIELD_NAME_MAX];
    int len = snprintf(both, sizeof both, "%s:%s", type, group);
    const struct poslog_tax_code *found =
        *group && len > 0 && (size_t)len < sizeof both ? tax_named(source, both) : NULL;
    return found ? found : tax_named(source, type);
}

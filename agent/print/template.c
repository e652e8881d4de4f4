#include "agent/print/template.h"
#include "agent/returns/fields.h"
#include "documents.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { DOCUMENT_BYTES_MAX = 64 * 1024, ARENA_MAX_BYTES = 1024 * 1024, KEY_MAX = 40 };

struct text {
    const char *key;
    const char *words[POLICY_LANGUAGE_COUNT];
};

struct look {
    const char *schema;
    const char *version;
    struct template_block *blocks;
    size_t block_count;
    struct text *texts;
    size_t text_count;
};

struct template
{
    struct cJSON *doc;
    struct arena arena;
    struct look look;
};

#define WORD(upper, lower) #lower,
static const char *const block_words[] = {TEMPLATE_BLOCKS(WORD) NULL};
static const char *const when_words[] = {TEMPLATE_WHEN(WORD) NULL};
static const char *const align_words[] = {"left", "center", "right", NULL};

static const struct json_field block_fields[] = {
    CHOICE(template_block, "block", kind, block_words),
    {.name = "text",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct template_block, text),
     .max = TEMPLATE_TEXT_MAX},
    OPTIONAL_CHOICE(template_block, "align", align, align_words),
    OPTIONAL_CHOICE(template_block, "when", when, when_words),
    OPTIONAL_FLAG(template_block, "bold", bold),
    OPTIONAL_FLAG(template_block, "large", large),
    OPTIONAL_FLAG(template_block, "inverse", inverse),
};
static const struct json_table block_table = TABLE(block_fields, template_block);

#define LANGUAGE(upper, lower)                                                                     \
    {.name = #lower,                                                                               \
     .kind = JSON_TEXT,                                                                            \
     .presence = POLICY_##upper == POLICY_EN ? JSON_REQUIRED : JSON_OPTIONAL,                      \
     .offset = offsetof(struct text, words) + POLICY_##upper * sizeof(const char *),               \
     .max = TEMPLATE_TEXT_MAX},
static const struct json_field text_fields[] = {{.name = "key",
                                                 .kind = JSON_TEXT,
                                                 .offset = offsetof(struct text, key),
                                                 .min = 1,
                                                 .max = KEY_MAX},
                                                POLICY_LANGUAGES(LANGUAGE)};
static const struct json_table text_table = TABLE(text_fields, text);

static const struct json_field look_fields[] = {
    {.name = "$schema",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct look, schema)},
    NAME(look, "version", version),
    LIST(look, "blocks", blocks, block_count, block_table, 1, TEMPLATE_BLOCKS_MAX),
    LIST(look, "texts", texts, text_count, text_table, 1, TEMPLATE_TEXTS_MAX),
};
static const struct json_table look_table = TABLE(look_fields, look);

/* Texts that the blocks print by themselves: each language must have them. */
static const char *const required[] = {
    "date",
    "point",
    "thousands",
    "no_receipt",
    "fee",
    "total",
    "net",
    "exchange_goods",
    "exchange_used",
    "exchange_due",
    "exchange_left",
    "tender.cash",
    "tender.card",
    "tender.gift_card",
    "tender.voucher",
    "tender.store_credit",
    "tender.wallet",
    "tender.online_payment",
    "tender.store_account",
    "tender.cheque",
    "tender.loyalty",
    "tender.rounding",
    "tax.vat",
    "tax.sales",
    "tax.gst",
    "tax.pst",
    "tax.hst",
    "tax.excise",
};

const char *template_text(const struct template *template, struct slice key,
                          enum policy_language language)
{
    for (size_t i = 0; i < template->look.text_count; i++) {
        const struct text *text = &template->look.texts[i];
        if (slice_is(key, text->key))
            return text->words[language] ? text->words[language] : text->words[POLICY_EN];
    }
    return NULL;
}

static enum err check(const struct template *template, struct fault *fault)
{
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (!template_text(template, slice_of(required[i]), POLICY_EN))
            return fault_set(fault, ERR_INVALID, "texts", "there is no text with the key %s",
                             required[i]);
    for (size_t i = 0; i < template->look.block_count; i++)
        if (template->look.blocks[i].kind == TEMPLATE_TEXT && !template->look.blocks[i].text)
            return fault_set(fault, ERR_INVALID, "blocks", "block %zu has no text", i + 1);
    return ERR_OK;
}

enum err template_read(struct template **out, struct slice text, struct fault *fault)
{
    struct template *template = calloc(1, sizeof *template);
    if (!template)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    arena_init(&template->arena, ARENA_MAX_BYTES);
    struct json_limits limits = {.bytes = DOCUMENT_BYTES_MAX, .depth = 4};
    enum err err = json_parse(text, limits, &template->doc, fault);
    if (!err)
        err = json_read(template->doc, &look_table, &template->look, &template->arena, fault);
    if (!err)
        err = check(template, fault);
    if (err) {
        template_close(template);
        return err;
    }
    *out = template;
    return ERR_OK;
}

static struct slice shipped(void)
{
    for (size_t i = 0; i < sizeof document_files / sizeof *document_files; i++)
        if (strcmp(document_files[i].path, "receipt.default.json") == 0)
            return (struct slice){(const char *)document_files[i].data, document_files[i].len};
    return (struct slice){"", 0};
}

enum err template_open(struct template **template, const char *path, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, DOCUMENT_BYTES_MAX);
    enum err err = path ? storage_read(path, &text, fault) : ERR_OK;
    if (!err)
        err = template_read(template, path ? buf_slice(&text) : shipped(), fault);
    return err ? fault_wrap(fault, err, "the receipt template") : ERR_OK;
}

void template_close(struct template *template)
{
    if (!template)
        return;
    json_free(template->doc);
    arena_free(&template->arena);
    free(template);
}

const struct template_block *template_blocks(const struct template *template, size_t *count)
{
    *count = template->look.block_count;
    return template->look.blocks;
}

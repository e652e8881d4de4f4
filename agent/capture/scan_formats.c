#include "agent/capture/scan_formats.h"
#include "agent/returns/fields.h"
#include "documents.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMATS_BYTES_MAX = 64 * 1024, ARENA_MAX_BYTES = 512 * 1024, DIGITS_MAX = 100 };

enum check_rule { CHECK_GS1, CHECK_LUHN, CHECK_MOD97 };
static const char *const rule_words[] = {"gs1", "luhn", "mod97", NULL};

struct check {
    int rule; /* enum check_rule */
    const char *field;
    const char **over;
    size_t over_count;
};

struct format {
    const char *name;
    const char *pattern;
    const char *receipt; /* NULL: the text as it is */
    struct check check;
    bool has_check;
};

struct formats {
    const char *version;
    struct format *patterns;
    size_t count;
};

struct scan_formats {
    struct cJSON *doc;
    struct arena arena;
    struct formats read;
};

static const struct json_field check_fields[] = {
    CHOICE(check, "rule", rule, rule_words),
    NAME(check, "field", field),
    TEXTS(check, "over", over, over_count, PATTERN_FIELDS_MAX),
};
static const struct json_table check_table = TABLE(check_fields, check);

static const struct json_field format_fields[] = {
    NAME(format, "name", name),
    {.name = "pattern", .kind = JSON_TEXT, AT(format, pattern), .min = 1, .max = PATTERN_MAX},
    OPTIONAL_NAME(format, "receipt", receipt),
    {.name = "check",
     .kind = JSON_OBJECT,
     .presence = JSON_OPTIONAL,
     AT(format, check),
     .items = &check_table,
     .present_offset = offsetof(struct format, has_check)},
};
static const struct json_table format_table = TABLE(format_fields, format);

static const struct json_field formats_fields[] = {
    NAME(formats, "version", version),
    LIST(formats, "patterns", patterns, count, format_table, 0, SCAN_PATTERNS_MAX),
};
static const struct json_table formats_table = TABLE(formats_fields, formats);

static enum err check_patterns(const struct formats *formats, struct fault *fault)
{
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < formats->count; i++) {
        char where[FAULT_WHERE_MAX];
        (void)snprintf(where, sizeof where, "patterns[%zu].pattern", i);
        err = pattern_check(formats->patterns[i].pattern, where, fault);
    }
    return err;
}

enum err scan_formats_read(struct scan_formats **out, struct slice text, struct fault *fault)
{
    struct scan_formats *made = calloc(1, sizeof *made);
    if (!made)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    arena_init(&made->arena, ARENA_MAX_BYTES);
    struct json_limits limits = {.bytes = FORMATS_BYTES_MAX, .depth = 8};
    enum err err = json_parse(text, limits, &made->doc, fault);
    if (!err)
        err = json_read(made->doc, &formats_table, &made->read, &made->arena, fault);
    if (!err)
        err = check_patterns(&made->read, fault);
    if (err) {
        scan_formats_close(made);
        return fault_wrap(fault, err, "the receipt formats");
    }
    *out = made;
    return ERR_OK;
}

static struct slice shipped(void)
{
    for (size_t i = 0; i < sizeof document_files / sizeof *document_files; i++)
        if (strcmp(document_files[i].path, "scan.default.json") == 0)
            return (struct slice){(const char *)document_files[i].data, document_files[i].len};
    return (struct slice){"", 0};
}

enum err scan_formats_open(struct scan_formats **formats, const char *path, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, FORMATS_BYTES_MAX);
    enum err err = path ? storage_read(path, &text, fault) : ERR_OK;
    return err ? err : scan_formats_read(formats, path ? buf_slice(&text) : shipped(), fault);
}

void scan_formats_close(struct scan_formats *formats)
{
    if (!formats)
        return;
    json_free(formats->doc);
    arena_free(&formats->arena);
    free(formats);
}

/* The digits that the check is over, the check digits last; 0 if a field is missing or too long. */
static size_t digits_of(const struct check *check, const struct pattern_match *match,
                        char digits[static DIGITS_MAX])
{
    size_t len = 0;
    for (size_t i = 0; i <= check->over_count; i++) {
        const char *name = i < check->over_count ? check->over[i] : check->field;
        const struct slice *text = pattern_field(match, name);
        if (!text)
            return 0;
        for (size_t k = 0; k < text->len; k++) {
            if (text->data[k] < '0' || text->data[k] > '9')
                continue;
            if (len == DIGITS_MAX)
                return 0;
            digits[len++] = text->data[k];
        }
    }
    return len;
}

static bool digits_check(enum check_rule rule, const char *digits, size_t len)
{
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(digits[len - 1 - i] - '0');
        unsigned doubled = digit > 4 ? 2 * digit - 9 : 2 * digit;
        if (rule == CHECK_MOD97)
            sum = (sum * 10 + (unsigned)(digits[i] - '0')) % 97;
        else if (rule == CHECK_LUHN)
            sum += i % 2 == 1 ? doubled : digit;
        else
            sum += i % 2 == 1 ? 3 * digit : digit;
    }
    return len > 0 && (rule == CHECK_MOD97 ? sum == 1 : sum % 10 == 0);
}

static bool fits(const struct format *format, struct slice text, struct pattern_match *match)
{
    if (!pattern_fits(format->pattern, text, match))
        return false;
    if (!format->has_check)
        return true;
    char digits[DIGITS_MAX];
    size_t len = digits_of(&format->check, match, digits);
    return digits_check((enum check_rule)format->check.rule, digits, len);
}

static bool write_number(const struct format *format, struct slice text,
                         struct scan_receipt *receipt)
{
    struct buf number CLEANUP(buf_free);
    buf_init(&number, SCAN_RECEIPT_MAX);
    if (!format->receipt)
        buf_append(&number, text.data, text.len);
    else if (!pattern_expand(format->receipt, &receipt->fields, &number))
        return false;
    if (number.failed || number.len == 0)
        return false;
    memcpy(receipt->number, number.data, number.len + 1);
    return true;
}

bool scan_formats_find(const struct scan_formats *formats, struct slice text,
                       struct scan_receipt *receipt)
{
    for (size_t i = 0; i < formats->read.count; i++) {
        const struct format *format = &formats->read.patterns[i];
        if (!fits(format, text, &receipt->fields) || !write_number(format, text, receipt))
            continue;
        receipt->format = format->name;
        return true;
    }
    return false;
}

static bool recognises(const void *context, struct slice text)
{
    const struct scan_formats *formats = context;
    struct pattern_match match;
    for (size_t i = 0; i < formats->read.count; i++)
        if (formats->read.patterns[i].has_check && fits(&formats->read.patterns[i], text, &match))
            return true;
    return false;
}

struct known_formats scan_formats_known(const struct scan_formats *formats)
{
    return (struct known_formats){.recognises = recognises, .context = formats};
}

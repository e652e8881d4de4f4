#include "agent/capture/scan_pattern.h"

#include <stdio.h>
#include <string.h>

enum { STEPS_MAX = 20000 };

/* One part of a pattern: a blank, a character, or a field. */
struct part {
    char class; /* of a field; 0: not a field */
    char literal;
    char name[PATTERN_NAME_MAX + 1];
    size_t least;
    size_t most;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool in_class(char class, char c)
{
    switch (class) {
    case 'd':
        return is_digit(c);
    case 'a':
        return is_letter(c);
    case 'x':
        return is_digit(c) || is_letter(c);
    case 'm':
        return is_digit(c) || (c != '\0' && strchr("+-.,'", c));
    default:
        return (unsigned char)c >= 0x20 && c != 0x7f;
    }
}

/* Digits at *at, as a number below 1000. False if there are none. */
static bool take_number(const char **at, size_t *number)
{
    size_t value = 0;
    const char *start = *at;
    while (is_digit(**at) && value < 100)
        value = value * 10 + (size_t)(*(*at)++ - '0');
    *number = value;
    return *at > start && !is_digit(**at);
}

/* "{" is behind us. */
static bool take_name(const char **at, char name[static PATTERN_NAME_MAX + 1])
{
    size_t len = 0;
    while (is_letter((*at)[len]) || (*at)[len] == '_')
        len++;
    if (len == 0 || len > PATTERN_NAME_MAX)
        return false;
    memcpy(name, *at, len);
    name[len] = '\0';
    *at += len;
    return true;
}

static bool take_lengths(const char **at, struct part *part)
{
    part->least = 1;
    part->most = PATTERN_TEXT_MAX;
    if (**at == '}')
        return true;
    if (!take_number(at, &part->least))
        return false;
    part->most = part->least;
    if (**at == '-') {
        (*at)++;
        if (!take_number(at, &part->most))
            return false;
    }
    return part->least >= 1 && part->most >= part->least;
}

/* False for what is no part; *at is then somewhere in it. */
static bool take_part(const char **at, struct part *part)
{
    *part = (struct part){.literal = **at};
    if (*(*at)++ != '{')
        return part->literal != '}';
    if (!take_name(at, part->name) || *(*at)++ != ':')
        return false;
    part->class = **at;
    if (!part->class || !strchr("daxmt", part->class))
        return false;
    (*at)++;
    return take_lengths(at, part) && *(*at)++ == '}';
}

enum err pattern_check(const char *pattern, const char *where, struct fault *fault)
{
    size_t fields = 0;
    if (!*pattern || strlen(pattern) > PATTERN_MAX)
        return fault_set(fault, ERR_INVALID, where, "a pattern has 1 to %d characters",
                         PATTERN_MAX);
    for (const char *at = pattern; *at;) {
        size_t position = (size_t)(at - pattern);
        struct part part;
        if (!take_part(&at, &part))
            return fault_set(fault, ERR_INVALID, where,
                             "at character %zu: a field is {name:d4}, with one of d a x m t and a "
                             "length or a range",
                             position + 1);
        if (part.class && ++fields > PATTERN_FIELDS_MAX)
            return fault_set(fault, ERR_INVALID, where, "a pattern has at most %d fields",
                             PATTERN_FIELDS_MAX);
    }
    return ERR_OK;
}

struct matcher {
    struct slice text;
    struct pattern_match *match;
    unsigned steps;
};

static bool match_from(struct matcher *m, const char *pattern, size_t at);

static size_t run_of(const struct matcher *m, const struct part *part, size_t at)
{
    size_t len = 0;
    while (len < part->most && at + len < m->text.len &&
           in_class(part->class, m->text.data[at + len]))
        len++;
    return len;
}

static bool match_field(struct matcher *m, const struct part *part, const char *rest, size_t at)
{
    size_t index = m->match->count;
    if (index == PATTERN_FIELDS_MAX)
        return false;
    struct pattern_field *field = &m->match->fields[index];
    for (size_t len = run_of(m, part, at); len >= part->least; len--) {
        const char *text = m->text.data + at;
        if (part->class == 't' && (is_blank(text[0]) || is_blank(text[len - 1])))
            continue;
        memcpy(field->name, part->name, sizeof field->name);
        field->text = (struct slice){text, len};
        m->match->count = index + 1;
        if (match_from(m, rest, at + len))
            return true;
        if (m->steps >= STEPS_MAX)
            return false;
    }
    m->match->count = index;
    return false;
}

static bool match_from(struct matcher *m, const char *pattern, size_t at)
{
    if (++m->steps >= STEPS_MAX)
        return false;
    if (!*pattern)
        return at == m->text.len;
    struct part part;
    if (!take_part(&pattern, &part))
        return false;
    if (part.class)
        return match_field(m, &part, pattern, at);
    if (at == m->text.len)
        return false;
    if (!is_blank(part.literal))
        return m->text.data[at] == part.literal && match_from(m, pattern, at + 1);
    size_t blanks = 0;
    while (at + blanks < m->text.len && is_blank(m->text.data[at + blanks]))
        blanks++;
    return blanks > 0 && match_from(m, pattern, at + blanks);
}

bool pattern_fits(const char *pattern, struct slice text, struct pattern_match *match)
{
    if (text.len > PATTERN_TEXT_MAX)
        return false;
    match->count = 0;
    struct matcher matcher = {.text = text, .match = match};
    return match_from(&matcher, pattern, 0);
}

const struct slice *pattern_field(const struct pattern_match *match, const char *name)
{
    for (size_t i = 0; i < match->count; i++)
        if (strcmp(match->fields[i].name, name) == 0)
            return &match->fields[i].text;
    return NULL;
}

bool pattern_add(struct pattern_match *match, const char *name, struct slice text)
{
    if (match->count == PATTERN_FIELDS_MAX || strlen(name) > PATTERN_NAME_MAX)
        return false;
    struct pattern_field *field = &match->fields[match->count++];
    (void)snprintf(field->name, sizeof field->name, "%s", name);
    field->text = text;
    return true;
}

bool pattern_expand(const char *template, const struct pattern_match *match, struct buf *out)
{
    for (const char *at = template; *at;) {
        char c = *at++;
        if (c != '{') {
            buf_append_char(out, c);
            continue;
        }
        char name[PATTERN_NAME_MAX + 1];
        size_t width = 0;
        if (!take_name(&at, name))
            return false;
        if (*at == ':' && (at++, !take_number(&at, &width)))
            return false;
        if (*at != '}')
            return false;
        at++;
        const struct slice *text = pattern_field(match, name);
        if (!text)
            return false;
        for (size_t i = text->len; i < width; i++)
            buf_append_char(out, '0');
        buf_append(out, text->data, text->len);
    }
    return !out->failed;
}

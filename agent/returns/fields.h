/*
 * Short spellings for the field tables of this folder (hal/base/json.h): a member of a struct by
 * the name that JSON has for it. Names are at most FIELD_NAME_MAX bytes, amounts 0 to 2^53 - 1.
 */
#ifndef AGENT_RETURNS_FIELDS_H
#define AGENT_RETURNS_FIELDS_H

#include "hal/base/json.h"
#include "sync/contract/money.h"

enum { FIELD_NAME_MAX = 80, FIELD_TEXT_MAX = 400 };

#define FIELD_COUNT(list) (sizeof(list) / sizeof *(list))
#define AT(type, member) .offset = offsetof(struct type, member)
#define NAME(type, field, member)                                                                  \
    {                                                                                              \
        .name = field, .kind = JSON_TEXT, AT(type, member), .min = 1, .max = FIELD_NAME_MAX        \
    }
#define OPTIONAL_NAME(type, field, member)                                                         \
    {                                                                                              \
        .name = field, .kind = JSON_TEXT, .presence = JSON_OPTIONAL, AT(type, member),             \
        .max = FIELD_NAME_MAX                                                                      \
    }
#define CHOICE(type, field, member, list)                                                          \
    {                                                                                              \
        .name = field, .kind = JSON_CHOICE, AT(type, member), .choices = list                      \
    }
#define OPTIONAL_CHOICE(type, field, member, list)                                                 \
    {                                                                                              \
        .name = field, .kind = JSON_CHOICE, .presence = JSON_OPTIONAL, AT(type, member),           \
        .choices = list                                                                            \
    }
#define AMOUNT(type, field, member)                                                                \
    {                                                                                              \
        .name = field, .kind = JSON_INT, AT(type, member), .max = MONEY_MAX_MINOR                  \
    }
#define OPTIONAL_AMOUNT(type, field, member)                                                       \
    {                                                                                              \
        .name = field, .kind = JSON_INT, .presence = JSON_OPTIONAL, AT(type, member),              \
        .max = MONEY_MAX_MINOR                                                                     \
    }
#define NUMBER(type, field, member)                                                                \
    {                                                                                              \
        .name = field, .kind = JSON_INT, AT(type, member), .min = 1, .max = INT32_MAX              \
    }
#define LIST(type, field, member, counter, table, least, most)                                     \
    {                                                                                              \
        .name = field, .kind = JSON_LIST, AT(type, member), .min = least, .max = most,             \
        .items = &(table), .count_offset = offsetof(struct type, counter)                          \
    }
#define OPTIONAL_LIST(type, field, member, counter, table, most)                                   \
    {                                                                                              \
        .name = field, .kind = JSON_LIST, .presence = JSON_OPTIONAL, AT(type, member),             \
        .max = most, .items = &(table), .count_offset = offsetof(struct type, counter)             \
    }
#define TABLE(list, type)                                                                          \
    {                                                                                              \
        .fields = list, .count = FIELD_COUNT(list), .item_size = sizeof(struct type)               \
    }
#define TEXT(type, field, member)                                                                  \
    {                                                                                              \
        .name = field, .kind = JSON_TEXT, .presence = JSON_OPTIONAL, AT(type, member),             \
        .max = FIELD_TEXT_MAX                                                                      \
    }
#define FLAG(type, field, member)                                                                  \
    {                                                                                              \
        .name = field, .kind = JSON_FLAG, AT(type, member)                                         \
    }
#define OPTIONAL_FLAG(type, field, member)                                                         \
    {                                                                                              \
        .name = field, .kind = JSON_FLAG, .presence = JSON_OPTIONAL, AT(type, member)              \
    }
#define OBJECT(type, field, member, table)                                                         \
    {                                                                                              \
        .name = field, .kind = JSON_OBJECT, .presence = JSON_OPTIONAL, AT(type, member),           \
        .items = &(table)                                                                          \
    }
#define TEXTS(type, field, member, counter, most)                                                  \
    {                                                                                              \
        .name = field, .kind = JSON_TEXTS, .presence = JSON_OPTIONAL, AT(type, member),            \
        .max = most, .count_offset = offsetof(struct type, counter)                                \
    }

#endif

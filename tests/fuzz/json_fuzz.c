/*
 * What json_parse takes is the tree that cJSON's own parser makes of it; printed and taken again,
 * it prints the same a second time.
 */
#include "hal/base/json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void require_same(const cJSON *ours, const cJSON *theirs)
{
    require(ours->type == theirs->type && same_text(ours->string, theirs->string));
    require(same_text(ours->valuestring, theirs->valuestring));
    require(!cJSON_IsNumber(ours) ||
            memcmp(&ours->valuedouble, &theirs->valuedouble, sizeof ours->valuedouble) == 0);
    const cJSON *a = ours->child;
    const cJSON *b = theirs->child;
    for (; a && b; a = a->next, b = b->next)
        require_same(a, b);
    require(!a && !b);
}

static void require_what_cjson_reads(const struct cJSON *doc, struct slice text)
{
    cJSON *theirs = cJSON_ParseWithLength(text.data, text.len);
    require(theirs != NULL);
    require_same(doc, theirs);
    cJSON_Delete(theirs);
}

static bool print_again(struct slice text, struct buf *out)
{
    struct cJSON *doc = NULL;
    struct fault fault = {0};
    enum err err = json_parse(text, JSON_LIMITS_DEFAULT, &doc, &fault);
    require((err == ERR_OK) == (doc != NULL));
    require(err == ERR_OK || (fault.code == err && fault.text[0]));
    if (err)
        return false;
    require_what_cjson_reads(doc, text);
    json_print(doc, out);
    json_free(doc);
    return !out->failed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once;
    struct buf twice;
    buf_init(&once, JSON_LIMITS_DEFAULT.bytes);
    buf_init(&twice, JSON_LIMITS_DEFAULT.bytes);
    if (print_again((struct slice){(const char *)data, size}, &once)) {
        require(print_again(buf_slice(&once), &twice));
        require(slice_equal(buf_slice(&once), buf_slice(&twice)));
    }
    buf_free(&once);
    buf_free(&twice);
    return 0;
}

/* What json_parse takes is printed and taken again, and prints the same a second time. */
#include "hal/base/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
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

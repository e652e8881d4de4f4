/* A payment provider's webhook: its signature's headers, and the refund in its body. */
#include "sync/hub/connect/provider.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct webhook_secret secret = {.bytes = {1, 2, 3}, .len = 24};
    struct cJSON *json = NULL;
    struct arena arena;
    struct payment_answer answer;
    const char *newline = memchr(data, '\n', size);
    size_t head = newline ? (size_t)(newline - (const char *)data) : size;
    char *header = strndup((const char *)data, head);
    struct slice body = {newline ? newline + 1 : "", newline ? size - head - 1 : 0};
    const struct webhook webhook = {"msg", "1614265330", header, body};
    (void)!webhook_verify(&secret, &webhook, INT64_C(1614265330000), NULL);
    arena_init(&arena, 65536);
    if (json_parse(body, JSON_LIMITS_DEFAULT, &json, NULL) == ERR_OK)
        (void)!provider_read_refund(json_member(json, "data"), &arena, &answer, NULL);
    json_free(json);
    arena_free(&arena);
    free(header);
    return 0;
}

#include "agent/capture/policy_file.h"
#include "documents.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

#include <stdlib.h>
#include <string.h>

enum { POLICY_BYTES_MAX = 1024 * 1024, ARENA_MAX_BYTES = 16 * 1024 * 1024 };

struct policy_file {
    struct cJSON *doc;
    struct arena arena;
    struct policy policy;
};

static struct slice shipped(void)
{
    for (size_t i = 0; i < sizeof document_files / sizeof *document_files; i++)
        if (strcmp(document_files[i].path, "policy.default.json") == 0)
            return (struct slice){(const char *)document_files[i].data, document_files[i].len};
    return (struct slice){"", 0};
}

static enum err read(struct policy_file *file, struct slice text, struct fault *fault)
{
    struct json_limits limits = {.bytes = POLICY_BYTES_MAX, .depth = 16};
    enum err err = json_parse(text, limits, &file->doc, fault);
    return err ? err : policy_read(file->doc, &file->arena, &file->policy, fault);
}

enum err policy_file_read(struct policy_file **out, struct slice text, struct fault *fault)
{
    struct policy_file *file = calloc(1, sizeof *file);
    if (!file)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    arena_init(&file->arena, ARENA_MAX_BYTES);
    enum err err = read(file, text, fault);
    if (err) {
        policy_file_close(file);
        return err;
    }
    *out = file;
    return ERR_OK;
}

enum err policy_file_open(struct policy_file **out, const char *path, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, POLICY_BYTES_MAX);
    enum err err = path ? storage_read(path, &text, fault) : ERR_OK;
    if (!err)
        err = policy_file_read(out, path ? buf_slice(&text) : shipped(), fault);
    if (err && text.len)
        fault_in_file(fault, path);
    return err ? fault_wrap(fault, err, "the return policy") : ERR_OK;
}

void policy_file_close(struct policy_file *file)
{
    if (!file)
        return;
    json_free(file->doc);
    arena_free(&file->arena);
    free(file);
}

const struct policy *policy_file_policy(const struct policy_file *file)
{
    return &file->policy;
}

#include "provisioning/trust.h"

#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "hal/storage.h"
#include "provisioning/identity.h"
#include "provisioning/identity_paths.h"

#include <limits.h>

static const char kind[] = "trust";
static const char file[] = "trust.json";

struct document {
    const char *ca;
    int64_t issued_ms;
};

static const struct json_field fields[] = {
    {.name = "ca",
     .kind = JSON_TEXT,
     .offset = offsetof(struct document, ca),
     .min = 1,
     .max = CERTIFICATE_PEM_MAX},
    {.name = "issued", .kind = JSON_TIME, .offset = offsetof(struct document, issued_ms)},
};
static const struct json_table table = {fields, sizeof fields / sizeof *fields,
                                        sizeof(struct document), true};

enum err trust_make(struct slice ca_pem, int64_t issued_ms, struct slice signer_pem,
                    const struct key *key, struct buf *out, struct fault *fault)
{
    struct buf payload CLEANUP(buf_free);
    buf_init(&payload, ENVELOPE_PAYLOAD_MAX);
    struct jsonw w = jsonw_to(&payload);
    jsonw_object(&w, NULL);
    jsonw_slice(&w, "ca", ca_pem);
    jsonw_time(&w, "issued", issued_ms);
    jsonw_end(&w);
    enum err err = buf_check(&payload, fault, kind);
    return err ? err : envelope_make(kind, buf_slice(&payload), signer_pem, key, out, fault);
}

static enum err parse(struct slice payload, struct arena *arena, struct document *document,
                      struct fault *fault)
{
    const struct json_limits limits = {.bytes = ENVELOPE_PAYLOAD_MAX, .depth = 2};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct document read = {0};
    enum err err = json_parse(payload, limits, &doc, fault);
    if (!err)
        err = json_read(doc, &table, &read, arena, fault);
    if (!err && !(read.ca = arena_text(arena, read.ca)))
        err = fault_set(fault, ERR_NO_MEMORY, kind, "out of memory");
    if (!err)
        *document = read;
    return err;
}

static enum err read_signed(const char *ca_path, struct slice envelope, int64_t now_ms,
                            struct buf *payload, struct fault *fault)
{
    mbedtls_x509_crt *ca CLEANUP(certificate_cleanup) = NULL;
    struct buf pem CLEANUP(buf_free);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    enum err err = storage_read(ca_path, &pem, fault);
    if (!err)
        err = certificate_parse(buf_slice(&pem), ca_path, &ca, fault);
    if (err)
        return err;
    const struct verify_rules rules = {.now_ms = now_ms, .ca = ca};
    return envelope_open(kind, envelope, &rules, payload, fault);
}

/* When the document that is here was issued; 0 when there is none that can be read. */
static int64_t issued_before(const char *path)
{
    struct buf envelope CLEANUP(buf_free);
    struct buf payload CLEANUP(buf_free);
    struct arena arena CLEANUP(arena_free);
    struct document old;
    buf_init(&envelope, ENVELOPE_BYTES_MAX);
    buf_init(&payload, ENVELOPE_PAYLOAD_MAX);
    arena_init(&arena, ENVELOPE_PAYLOAD_MAX);
    if (storage_read(path, &envelope, NULL) ||
        envelope_peek(kind, buf_slice(&envelope), &payload, NULL) ||
        parse(buf_slice(&payload), &arena, &old, NULL))
        return 0;
    return old.issued_ms;
}

static bool holds(const char *path, const char *text)
{
    struct buf old CLEANUP(buf_free);
    buf_init(&old, CERTIFICATE_PEM_MAX);
    return storage_read(path, &old, NULL) == ERR_OK && slice_is(buf_slice(&old), text);
}

enum err trust_accept(const char *folder, struct slice envelope, int64_t now_ms, bool *changed,
                      struct fault *fault)
{
    struct identity_paths paths;
    char path[PATH_MAX];
    struct document document;
    struct buf payload CLEANUP(buf_free);
    struct arena arena CLEANUP(arena_free);
    buf_init(&payload, ENVELOPE_PAYLOAD_MAX);
    arena_init(&arena, ENVELOPE_PAYLOAD_MAX);
    enum err err = identity_paths_of(folder, &paths, fault);
    if (!err && storage_path(path, sizeof path, folder, file))
        err = fault_set(fault, ERR_TOO_LARGE, folder, "the path is too long");
    if (!err)
        err = read_signed(paths.ca, envelope, now_ms, &payload, fault);
    if (!err)
        err = parse(buf_slice(&payload), &arena, &document, fault);
    if (err)
        return err;
    if (document.issued_ms < issued_before(path))
        return fault_set(fault, ERR_REFUSED, kind, "older than the authorities that are here");
    bool others = !holds(paths.ca, document.ca);
    if (others)
        err = identity_set_ca(folder, slice_of(document.ca), fault);
    if (!err)
        err = storage_replace(path, envelope, 0644, fault);
    if (!err)
        *changed = others;
    return err;
}

#include "provisioning/envelope.h"

#include "hal/base/hex.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"

#include <string.h>

static const char format[] = "tillback-signed-1";
enum { KIND_MAX = 32, SIGNATURE_TEXT_MAX = 128 };

struct fields {
    const char *format;
    const char *kind;
    const char *payload;
    const char *signer;
    const char *signature;
};

#define FIELD(member, most)                                                                        \
    {                                                                                              \
        .name = #member, .kind = JSON_TEXT, .offset = offsetof(struct fields, member), .min = 1,   \
        .max = (most)                                                                              \
    }
static const struct json_field fields[] = {
    FIELD(format, KIND_MAX),
    FIELD(kind, KIND_MAX),
    FIELD(payload, ENVELOPE_BYTES_MAX),
    FIELD(signer, CERTIFICATE_PEM_MAX),
    FIELD(signature, SIGNATURE_TEXT_MAX),
};
static const struct json_table table = {fields, sizeof fields / sizeof *fields,
                                        sizeof(struct fields), false};

/* What the signature is over. */
static enum err signed_bytes(const char *kind, struct slice payload, struct buf *out,
                             struct fault *fault)
{
    buf_append(out, kind, strlen(kind) + 1);
    buf_append(out, payload.data, payload.len);
    return buf_check(out, fault, "payload");
}

static enum err check_own(enum certificate_purpose purpose, struct slice signer_pem,
                          const struct key *key, struct fault *fault)
{
    mbedtls_x509_crt *signer CLEANUP(certificate_cleanup) = NULL;
    enum err err = certificate_parse(signer_pem, "signer", &signer, fault);
    if (!err && !certificate_fits(signer, purpose))
        err = fault_set(fault, ERR_INVALID, "signer", "the certificate is not for signing this");
    return err ? err : key_matches(key, &signer->pk, fault);
}

static enum err write_envelope(const char *kind, struct slice payload, struct slice signer_pem,
                               const struct signature *signature, struct buf *out,
                               struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, ENVELOPE_BYTES_MAX);
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "format", format);
    jsonw_text(&w, "kind", kind);
    base64_encode(&text, (const uint8_t *)payload.data, payload.len, false);
    jsonw_slice(&w, "payload", buf_slice(&text));
    jsonw_slice(&w, "signer", signer_pem);
    buf_reset(&text);
    base64_encode(&text, signature->bytes, signature->len, false);
    jsonw_slice(&w, "signature", buf_slice(&text));
    jsonw_end(&w);
    enum err err = buf_check(&text, fault, "payload");
    return err ? err : buf_check(out, fault, "envelope");
}

enum err envelope_make(const char *kind, struct slice payload, struct slice signer_pem,
                       const struct key *key, struct buf *out, struct fault *fault)
{
    return envelope_make_as(CERTIFICATE_SIGNER, kind, payload, signer_pem, key, out, fault);
}

enum err envelope_make_as(enum certificate_purpose purpose, const char *kind, struct slice payload,
                          struct slice signer_pem, const struct key *key, struct buf *out,
                          struct fault *fault)
{
    struct buf bytes CLEANUP(buf_free);
    struct signature signature;
    buf_init(&bytes, ENVELOPE_PAYLOAD_MAX + KIND_MAX);
    if (payload.len == 0 || payload.len > ENVELOPE_PAYLOAD_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "payload", "must have 1 to %d bytes",
                         ENVELOPE_PAYLOAD_MAX);
    enum err err = check_own(purpose, signer_pem, key, fault);
    if (!err)
        err = signed_bytes(kind, payload, &bytes, fault);
    if (!err)
        err = signature_make(key, buf_slice(&bytes), &signature, fault);
    return err ? err : write_envelope(kind, payload, signer_pem, &signature, out, fault);
}

/* The envelope's texts, borrowed from *doc. */
static enum err read_envelope(const char *kind, struct slice envelope, struct cJSON **doc,
                              struct fields *out, struct fault *fault)
{
    struct json_limits limits = {.bytes = ENVELOPE_BYTES_MAX, .depth = 1};
    enum err err = json_parse(envelope, limits, doc, fault);
    if (!err)
        err = json_read(*doc, &table, out, NULL, fault);
    if (err)
        return err;
    if (strcmp(out->format, format) != 0)
        return fault_set(fault, ERR_INVALID, "format", "must be %s", format);
    if (strcmp(out->kind, kind) != 0)
        return fault_set(fault, ERR_INVALID, "kind", "must be %s", kind);
    return ERR_OK;
}

static enum err decode(const char *name, const char *text, struct buf *out, struct fault *fault)
{
    if (base64_decode(out, slice_of(text)) != ERR_OK)
        return fault_set(fault, ERR_INVALID, name, "must be base64");
    return buf_check(out, fault, name);
}

/* Who has to have signed, and gets told. */
struct wanted {
    enum certificate_purpose purpose;
    const struct verify_rules *rules;
    char *name; /* CERTIFICATE_NAME_MAX + 1, or NULL */
};

static enum err name_signer(const mbedtls_x509_crt *signer, char *name, struct fault *fault)
{
    struct certificate_facts facts;
    enum err err = name ? certificate_read(signer, &facts, fault) : ERR_OK;
    if (!err && name)
        memcpy(name, facts.common_name, sizeof facts.common_name);
    return err;
}

static enum err check_signature(const struct fields *read, struct slice payload,
                                const struct wanted *wanted, struct fault *fault)
{
    mbedtls_x509_crt *signer CLEANUP(certificate_cleanup) = NULL;
    struct buf bytes CLEANUP(buf_free);
    struct buf signature CLEANUP(buf_free);
    buf_init(&bytes, ENVELOPE_PAYLOAD_MAX + KIND_MAX);
    buf_init(&signature, SIGNATURE_TEXT_MAX);
    enum err err = certificate_parse(slice_of(read->signer), "signer", &signer, fault);
    if (!err)
        err = decode("signature", read->signature, &signature, fault);
    if (!err)
        err = signed_bytes(read->kind, payload, &bytes, fault);
    if (err)
        return err;
    err = verify_chain(wanted->rules, signer, wanted->purpose, fault);
    if (err) {
        fault_within(fault, "signer");
        return err;
    }
    err = signature_check(&signer->pk, buf_slice(&bytes), buf_slice(&signature), fault);
    if (err)
        fault_within(fault, "signature");
    return err ? err : name_signer(signer, wanted->name, fault);
}

/* `wanted` NULL: unchecked. */
static enum err take_payload(const char *kind, struct slice envelope, const struct wanted *wanted,
                             struct buf *payload, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct fields read = {0};
    struct buf bytes CLEANUP(buf_free);
    buf_init(&bytes, ENVELOPE_PAYLOAD_MAX);
    enum err err = read_envelope(kind, envelope, &doc, &read, fault);
    if (!err)
        err = decode("payload", read.payload, &bytes, fault);
    if (!err && wanted)
        err = check_signature(&read, buf_slice(&bytes), wanted, fault);
    if (err)
        return err;
    buf_append(payload, bytes.data, bytes.len);
    return buf_check(payload, fault, "payload");
}

enum err envelope_open(const char *kind, struct slice envelope, const struct verify_rules *rules,
                       struct buf *payload, struct fault *fault)
{
    const struct wanted wanted = {.purpose = CERTIFICATE_SIGNER, .rules = rules};
    return take_payload(kind, envelope, &wanted, payload, fault);
}

enum err envelope_open_as(enum certificate_purpose purpose, const char *kind, struct slice envelope,
                          const struct verify_rules *rules, struct buf *payload,
                          char signer[static CERTIFICATE_NAME_MAX + 1], struct fault *fault)
{
    const struct wanted wanted = {.purpose = purpose, .rules = rules, .name = signer};
    return take_payload(kind, envelope, &wanted, payload, fault);
}

enum err envelope_peek(const char *kind, struct slice envelope, struct buf *payload,
                       struct fault *fault)
{
    return take_payload(kind, envelope, NULL, payload, fault);
}

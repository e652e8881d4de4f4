#include "provisioning/bundle.h"

#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "provisioning/host.h"

#include <stdlib.h>
#include <string.h>

static const char kind[] = "bundle";
enum { NAME_MAX_BYTES = 200, URL_MAX = 300 };

#define TEXT(member, most, must)                                                                   \
    {                                                                                              \
        .name = #member, .kind = JSON_TEXT, .presence = (must),                                    \
        .offset = offsetof(struct bundle, member), .min = 1, .max = (most)                         \
    }
static const struct json_field fields[] = {
    TEXT(device, CERTIFICATE_NAME_MAX, JSON_REQUIRED),
    TEXT(store, CERTIFICATE_NAME_MAX, JSON_REQUIRED),
    TEXT(name, NAME_MAX_BYTES, JSON_OPTIONAL),
    TEXT(hub_url, URL_MAX, JSON_OPTIONAL),
    TEXT(broker_url, URL_MAX, JSON_REQUIRED),
    TEXT(enrol_url, URL_MAX, JSON_OPTIONAL),
    TEXT(ca, CERTIFICATE_PEM_MAX, JSON_REQUIRED),
    {.name = "time_servers",
     .kind = JSON_TEXTS,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct bundle, time_servers),
     .count_offset = offsetof(struct bundle, time_server_count),
     .max = BUNDLE_TIME_SERVERS_MAX},
    TEXT(config, BUNDLE_CONFIG_MAX, JSON_OPTIONAL),
    TEXT(code, CODE_INPUT_MAX, JSON_OPTIONAL),
    {.name = "issued", .kind = JSON_TIME, .offset = offsetof(struct bundle, issued_ms)},
    {.name = "expires", .kind = JSON_TIME, .offset = offsetof(struct bundle, expires_ms)},
};
static const struct json_table table = {fields, sizeof fields / sizeof *fields,
                                        sizeof(struct bundle), true};

static bool port_valid(const char *text)
{
    if (text[0] < '1' || text[0] > '9' || strspn(text, "0123456789") != strlen(text))
        return false;
    return strlen(text) <= 5 && strtoul(text, NULL, 10) <= 65535;
}

/* scheme://host[:port], and a path behind it when `path`. */
static bool url_valid(const char *url, const char *scheme, bool path)
{
    if (strncmp(url, scheme, strlen(scheme)) != 0)
        return false;
    const char *host = url + strlen(scheme);
    const char *closing = host[0] == '[' ? strchr(host, ']') : NULL;
    size_t len = closing ? (size_t)(closing - host) - 1 : strcspn(host, ":/");
    const char *rest = closing ? closing + 1 : host + len;
    char text[URL_MAX + 1];
    if (len >= sizeof text)
        return false;
    memcpy(text, closing ? host + 1 : host, len);
    text[len] = '\0';
    if (!host_valid(text))
        return false;
    if (*rest == ':') {
        char port[8];
        size_t port_len = strcspn(++rest, "/");
        if (port_len >= sizeof port)
            return false;
        memcpy(port, rest, port_len);
        port[port_len] = '\0';
        rest += port_len;
        if (!port_valid(port))
            return false;
    }
    return *rest == '\0' || (path && *rest == '/');
}

static enum err check_url(const char *name, const char *url, const char *scheme, bool path,
                          struct fault *fault)
{
    if (url && !url_valid(url, scheme, path))
        return fault_set(fault, ERR_INVALID, name, "must be like %shost:port", scheme);
    return ERR_OK;
}

static enum err check_trust(const struct bundle *bundle, struct fault *fault)
{
    mbedtls_x509_crt *ca CLEANUP(certificate_cleanup) = NULL;
    enum err err = certificate_parse(slice_of(bundle->ca), "ca", &ca, fault);
    for (const mbedtls_x509_crt *crt = ca; !err && crt; crt = crt->next)
        if (!certificate_fits(crt, CERTIFICATE_AUTHORITY))
            err = fault_set(fault, ERR_INVALID, "ca", "not a certificate of an authority");
    struct code code;
    if (!err && bundle->code)
        err = code_parse(slice_of(bundle->code), &code, fault);
    return err;
}

static enum err check(const struct bundle *bundle, struct fault *fault)
{
    enum err err = device_id_check(slice_of(bundle->device), fault);
    if (!err)
        err = check_url("hub_url", bundle->hub_url, "https://", true, fault);
    if (!err)
        err = check_url("broker_url", bundle->broker_url, "mqtts://", false, fault);
    if (!err)
        err = check_url("enrol_url", bundle->enrol_url, "mqtts://", false, fault);
    for (size_t i = 0; !err && i < bundle->time_server_count; i++)
        if (!host_valid(bundle->time_servers[i]))
            err = fault_set(fault, ERR_INVALID, "time_servers", "no host name: %s",
                            bundle->time_servers[i]);
    if (!err && bundle->issued_ms >= bundle->expires_ms)
        err = fault_set(fault, ERR_INVALID, "expires", "must be after issued");
    return err ? err : check_trust(bundle, fault);
}

static void optional_text(struct jsonw *w, const char *name, const char *text)
{
    if (text)
        jsonw_text(w, name, text);
}

static void print(const struct bundle *bundle, struct buf *out)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "device", bundle->device);
    jsonw_text(&w, "store", bundle->store);
    optional_text(&w, "name", bundle->name);
    optional_text(&w, "hub_url", bundle->hub_url);
    jsonw_text(&w, "broker_url", bundle->broker_url);
    optional_text(&w, "enrol_url", bundle->enrol_url);
    jsonw_text(&w, "ca", bundle->ca);
    jsonw_array(&w, "time_servers");
    for (size_t i = 0; i < bundle->time_server_count; i++)
        jsonw_text(&w, NULL, bundle->time_servers[i]);
    jsonw_end(&w);
    optional_text(&w, "config", bundle->config);
    optional_text(&w, "code", bundle->code);
    jsonw_time(&w, "issued", bundle->issued_ms);
    jsonw_time(&w, "expires", bundle->expires_ms);
    jsonw_end(&w);
}

static enum err parse(struct slice payload, struct arena *arena, struct cJSON **doc,
                      struct bundle *bundle, struct fault *fault)
{
    struct json_limits limits = {.bytes = ENVELOPE_PAYLOAD_MAX, .depth = 4};
    enum err err = json_parse(payload, limits, doc, fault);
    if (!err)
        err = json_read(*doc, &table, bundle, arena, fault);
    return err ? err : check(bundle, fault);
}

/* What is written is read back by the rules for readers: nothing leaves that they would refuse. */
static enum err check_readable(struct slice payload, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ENVELOPE_PAYLOAD_MAX);
    struct bundle bundle = {0};
    return parse(payload, &arena, &doc, &bundle, fault);
}

enum err bundle_write(const struct bundle *bundle, struct buf *out, struct fault *fault)
{
    struct buf payload CLEANUP(buf_free);
    buf_init(&payload, ENVELOPE_PAYLOAD_MAX);
    print(bundle, &payload);
    enum err err = buf_check(&payload, fault, "bundle");
    if (!err)
        err = check_readable(buf_slice(&payload), fault);
    if (err)
        return err;
    buf_append(out, payload.data, payload.len);
    return buf_check(out, fault, "bundle");
}

enum err bundle_make(const struct bundle *bundle, struct slice signer_pem, const struct key *key,
                     struct buf *out, struct fault *fault)
{
    struct buf payload CLEANUP(buf_free);
    buf_init(&payload, ENVELOPE_PAYLOAD_MAX);
    enum err err = bundle_write(bundle, &payload, fault);
    return err ? err : envelope_make(kind, buf_slice(&payload), signer_pem, key, out, fault);
}

/* Every text moves from the document, which goes, to the arena. */
static bool keep_texts(struct bundle *bundle, struct arena *arena)
{
    const char **texts[] = {&bundle->device,  &bundle->store,      &bundle->name,
                            &bundle->hub_url, &bundle->broker_url, &bundle->enrol_url,
                            &bundle->ca,      &bundle->config,     &bundle->code};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (*texts[i] && !(*texts[i] = arena_text(arena, *texts[i])))
            return false;
    for (size_t i = 0; i < bundle->time_server_count; i++)
        if (!(bundle->time_servers[i] = arena_text(arena, bundle->time_servers[i])))
            return false;
    return true;
}

enum err bundle_read(struct slice payload, struct arena *arena, struct bundle *out,
                     struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct bundle bundle = {0};
    enum err err = parse(payload, arena, &doc, &bundle, fault);
    if (!err && !keep_texts(&bundle, arena))
        err = fault_set(fault, ERR_TOO_LARGE, "bundle", "larger than the memory given for it");
    if (!err)
        *out = bundle; /* cppcheck-suppress uninitStructMember ; it began as zeros */
    return err;
}

/* Signature, signer and times; by the bundle's own authority when none is known from before. */
static enum err judge(struct slice envelope, const struct bundle *bundle,
                      mbedtls_x509_crt *trusted_ca, int64_t now_ms, struct fault *fault)
{
    mbedtls_x509_crt *own_ca CLEANUP(certificate_cleanup) = NULL;
    struct buf payload CLEANUP(buf_free);
    buf_init(&payload, ENVELOPE_PAYLOAD_MAX);
    enum err err = certificate_parse(slice_of(bundle->ca), "ca", &own_ca, fault);
    if (err)
        return err;
    struct verify_rules rules = {.now_ms = now_ms < bundle->issued_ms ? bundle->issued_ms : now_ms,
                                 .ca = trusted_ca ? trusted_ca : own_ca};
    err = envelope_open(kind, envelope, &rules, &payload, fault);
    if (!err && rules.now_ms > bundle->expires_ms)
        err = fault_set(fault, ERR_REFUSED, "expires", "the bundle has expired: ask for a new one");
    return err;
}

enum err bundle_open(struct slice envelope, mbedtls_x509_crt *trusted_ca, int64_t now_ms,
                     struct arena *arena, struct bundle *out, struct fault *fault)
{
    struct bundle bundle;
    struct buf payload CLEANUP(buf_free);
    buf_init(&payload, ENVELOPE_PAYLOAD_MAX);
    enum err err = envelope_peek(kind, envelope, &payload, fault);
    if (!err)
        err = bundle_read(buf_slice(&payload), arena, &bundle, fault);
    if (!err)
        err = judge(envelope, &bundle, trusted_ca, now_ms, fault);
    if (!err)
        *out = bundle; /* cppcheck-suppress uninitStructMember ; it began as zeros */
    return err;
}

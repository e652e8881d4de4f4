#include "sync/hub/est.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/crypto.h"
#include "hal/storage.h"
#include "provisioning/csr.h"
#include "provisioning/derw.h"
#include "provisioning/pkcs7.h"
#include "sync/hub/est_request.h"

#include <limits.h>
#include <mbedtls/oid.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 256 * 1024, LINE = 64 };

static const char place[] = "/.well-known/est/";
static const char certs_only[] = "application/pkcs7-mime; smime-type=certs-only";
static const char plain[] = "text/plain; charset=utf-8";

struct est {
    struct est_config config;
    struct http_server *server;
};

/* --- Answers --------------------------------------------------------------------------------- */

/* Base64 in lines, as tools expect it. */
static void answer_der(struct http_request *request, const char *type, struct slice der)
{
    static const struct http_header encoding = {"Content-Transfer-Encoding", "base64"};
    struct buf text CLEANUP(buf_free);
    struct buf body CLEANUP(buf_free);
    buf_init(&text, ANSWER_MAX);
    buf_init(&body, ANSWER_MAX);
    base64_encode(&text, (const uint8_t *)der.data, der.len, false);
    for (size_t at = 0; at < text.len; at += LINE) {
        buf_append(&body, text.data + at, text.len - at < LINE ? text.len - at : LINE);
        buf_append_char(&body, '\n');
    }
    http_answer(request, 200, type, buf_slice(&body), &encoding, 1);
}

static void refuse(struct http_request *request, int status, const char *why)
{
    static const struct http_header challenge = {"WWW-Authenticate", "Basic realm=\"est\""};
    http_answer(request, status, plain, slice_of(why), &challenge, status == 401);
}

static void fail(struct http_request *request, enum err err, const struct fault *fault)
{
    int status = err == ERR_FORBIDDEN || err == ERR_REFUSED ? 401 : http_status_of(err);
    refuse(request, status, fault->text);
}

static enum err answer_certificates(struct http_request *request, struct slice pem,
                                    struct fault *fault)
{
    mbedtls_x509_crt *chain CLEANUP(certificate_cleanup) = NULL;
    struct buf der CLEANUP(buf_free);
    buf_init(&der, ANSWER_MAX);
    enum err err = certificate_parse(pem, "certificate", &chain, fault);
    if (!err)
        err = pkcs7_certificates(chain, &der, fault);
    if (!err)
        answer_der(request, certs_only, buf_slice(&der));
    return err;
}

/* --- What needs no proof --------------------------------------------------------------------- */

static void cacerts(struct est *est, struct http_request *request)
{
    struct fault fault = {0};
    char path[PATH_MAX];
    struct buf pem CLEANUP(buf_free);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    enum err err = storage_path(path, sizeof path, est->config.state, "trust/ca.pem");
    if (err)
        (void)fault_set(&fault, err, "", "the path is too long");
    else
        err = storage_read(path, &pem, &fault);
    if (!err)
        err = answer_certificates(request, buf_slice(&pem), &fault);
    if (err)
        fail(request, err, &fault);
}

/* CsrAttrs (RFC 7030, section 4.5.2): an attribute with the curve, and the signature's OID. */
static void csrattrs(struct est *est, struct http_request *request)
{
    (void)est;
    struct buf der CLEANUP(buf_free);
    buf_init(&der, 256);
    struct derw w = derw_to(&der);
    derw_begin(&w, DERW_SEQUENCE);
    derw_begin(&w, DERW_SEQUENCE);
    derw_oid(&w, SLICE_LITERAL(MBEDTLS_OID_EC_ALG_UNRESTRICTED));
    derw_begin(&w, DERW_SET);
    derw_oid(&w, SLICE_LITERAL(MBEDTLS_OID_EC_GRP_SECP256R1));
    derw_end(&w);
    derw_end(&w);
    derw_oid(&w, SLICE_LITERAL(MBEDTLS_OID_ECDSA_SHA256));
    derw_end(&w);
    answer_der(request, "application/csrattrs", buf_slice(&der));
}

/* --- Requests -------------------------------------------------------------------------------- */

struct enrolling {
    struct work work;
    struct enrolment_desk *desk;
    struct http_request *request;
    char code[EST_CODE_MAX]; /* empty: the certificate shown is the proof */
    char device[CERTIFICATE_NAME_MAX + 1];
    struct buf csr; /* DER */
    struct buf certificate;
};

static void enrolling_free(struct enrolling *enrolling)
{
    crypto_wipe(enrolling->code, sizeof enrolling->code);
    buf_free(&enrolling->csr);
    buf_free(&enrolling->certificate);
    free(enrolling);
}

static struct enrolling *enrolling_of(struct work *work)
{
    return (struct enrolling *)((char *)work - offsetof(struct enrolling, work));
}

static enum err run(struct work *work, struct database *db, struct fault *fault)
{
    (void)db; /* the registrar's too */
    struct enrolling *enrolling = enrolling_of(work);
    const struct slice csr = buf_slice(&enrolling->csr);
    const int64_t now_ms = clock_wall_ms(enrolling->desk->clock);
    return *enrolling->code ? registrar_enrol(enrolling->desk->registrar, enrolling->code, csr,
                                              now_ms, &enrolling->certificate, fault)
                            : registrar_renew(enrolling->desk->registrar, enrolling->device, csr,
                                              now_ms, &enrolling->certificate, fault);
}

static void done(struct work *work, enum err err, const struct fault *why)
{
    struct enrolling *enrolling = enrolling_of(work);
    struct fault fault = {0};
    if (!err)
        err = answer_certificates(enrolling->request, buf_slice(&enrolling->certificate), &fault);
    else
        fault = *why;
    if (err) {
        enrolling->desk->refused++;
        fail(enrolling->request, err, &fault);
    } else {
        enrolment_given(enrolling->desk);
    }
    enrolling_free(enrolling);
}

static enum err prepare(struct enrolling *enrolling, bool again, struct fault *fault)
{
    const char *peer = http_request_peer(enrolling->request);
    enum err err = est_request_read(http_request_body(enrolling->request), &enrolling->csr, fault);
    if (err || !again)
        return err ? err
                   : est_code_read(http_request_header(enrolling->request, "Authorization"),
                                   enrolling->code, fault);
    (void)snprintf(enrolling->device, sizeof enrolling->device, "%s", peer);
    return *peer ? ERR_OK
                 : fault_set(fault, ERR_FORBIDDEN, "", "the present certificate must be shown");
}

static void enrol(struct est *est, struct http_request *request, bool again)
{
    struct fault fault = {0};
    struct enrolling *enrolling = calloc(1, sizeof *enrolling);
    if (!enrolling) {
        refuse(request, 503, "out of memory");
        return;
    }
    enrolling->desk = est->config.desk;
    enrolling->request = request;
    enrolling->work = (struct work){.run = run, .done = done, .bytes = sizeof *enrolling};
    buf_init(&enrolling->csr, CSR_BYTES_MAX);
    buf_init(&enrolling->certificate, CERTIFICATE_PEM_MAX);
    enum err err = prepare(enrolling, again, &fault);
    if (!err && worker_submit(est->config.desk->worker, &enrolling->work) != ERR_OK)
        err = fault_set(&fault, ERR_BUSY, "", "the database doesn't keep up");
    if (!err)
        return;
    enrolling_free(enrolling);
    fail(request, err, &fault);
}

static void simpleenroll(struct est *est, struct http_request *request)
{
    enrol(est, request, false);
}

static void simplereenroll(struct est *est, struct http_request *request)
{
    enrol(est, request, true);
}

/* --- The server ------------------------------------------------------------------------------ */

static const struct {
    const char *method;
    const char *name;
    void (*answer)(struct est *est, struct http_request *request);
} routes[] = {
    {"GET", "cacerts", cacerts},
    {"GET", "csrattrs", csrattrs},
    {"POST", "simpleenroll", simpleenroll},
    {"POST", "simplereenroll", simplereenroll},
};

static void on_request(void *context, struct http_request *request)
{
    struct est *est = context;
    const char *path = http_request_path(request);
    const char *name = strncmp(path, place, sizeof place - 1) == 0 ? path + sizeof place - 1 : "";
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (strcmp(routes[i].name, name) != 0)
            continue;
        if (strcmp(routes[i].method, http_request_method(request)) == 0)
            routes[i].answer(est, request);
        else
            refuse(request, 405, "that method isn't for this");
        return;
    }
    refuse(request, 404, "nothing is here");
}

enum err est_open(struct est **out, struct loop *loop, const struct est_config *config,
                  struct fault *fault)
{
    struct est *est = calloc(1, sizeof *est);
    if (!est)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    est->config = *config;
    const struct http_config http = {
        .address = config->address,
        .tls = config->tls,
        .limits = {.body_bytes = EST_BODY_MAX},
        .handle = on_request,
        .context = est,
        .diag = config->diag,
    };
    enum err err = http_server_open(&est->server, loop, &http, fault);
    if (err) {
        free(est);
        return err;
    }
    *out = est;
    return ERR_OK;
}

void est_close(struct est *est)
{
    if (!est)
        return;
    http_server_close(est->server);
    free(est);
}

void est_use_tls(struct est *est, struct tls_context *tls)
{
    http_server_use_tls(est->server, tls);
}

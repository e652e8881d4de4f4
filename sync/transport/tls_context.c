#include "sync/transport/tls_context.h"
#include "provisioning/outside_key.h"

#include "hal/storage.h"

#include <mbedtls/ssl_ciphersuites.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if MBEDTLS_VERSION_MAJOR >= 3
#include <psa/crypto.h>
#endif

/* Forward secret and authenticated only, for both protocol versions. */
static const int suites[] = {
#if MBEDTLS_VERSION_MAJOR >= 3
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
#endif
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    0,
};

static enum err read_chain(const char *path, mbedtls_x509_crt **chain, struct fault *fault)
{
    struct buf pem CLEANUP(buf_free);
    buf_init(&pem, CERTIFICATE_PEM_MAX);
    enum err err = storage_read(path, &pem, fault);
    return err ? err : certificate_parse(buf_slice(&pem), path, chain, fault);
}

static enum err read_crl(const char *path, mbedtls_x509_crl **crl, struct fault *fault)
{
    struct buf pem CLEANUP(buf_free);
    buf_init(&pem, CRL_PEM_MAX);
    enum err err = storage_read(path, &pem, fault);
    return err ? err : crl_parse(buf_slice(&pem), path, crl, fault);
}

static enum err read_files(struct tls_context *context, const struct tls_config *config,
                           struct fault *fault)
{
    enum err err = config->ca_file ? read_chain(config->ca_file, &context->ca, fault) : ERR_OK;
    if (!err && config->crl_file)
        err = read_crl(config->crl_file, &context->crl, fault);
    if (err || !config->certificate_file)
        return err;
    err = read_chain(config->certificate_file, &context->certificate, fault);
    if (!err)
        err = key_load(config->key_file, &context->key, fault);
    if (!err)
        err = key_matches(context->key, &context->certificate->pk, fault);
    context->slow_key = !err && outside_key_of(key_pk(context->key)) != NULL;
    return err;
}

static enum err copy_alpn(struct tls_context *context, const char *const *names,
                          struct fault *fault)
{
    for (size_t i = 0; names && names[i]; i++) {
        size_t len = strlen(names[i]);
        if (i == TLS_ALPN_MAX || len == 0 || len >= TLS_ALPN_NAME_MAX)
            return fault_set(fault, ERR_INVALID, "alpn", "at most %d names of 1 to %d characters",
                             TLS_ALPN_MAX, TLS_ALPN_NAME_MAX - 1);
        memcpy(context->alpn_names[i], names[i], len + 1);
        context->alpn[i] = context->alpn_names[i];
    }
    return ERR_OK;
}

static void set_versions(mbedtls_ssl_config *settings)
{
#if MBEDTLS_VERSION_MAJOR >= 3
    mbedtls_ssl_conf_min_tls_version(settings, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_max_tls_version(settings, MBEDTLS_SSL_VERSION_TLS1_3);
#else
    mbedtls_ssl_conf_min_version(settings, MBEDTLS_SSL_MAJOR_VERSION_3,
                                 MBEDTLS_SSL_MINOR_VERSION_3);
    /* Without this a client's mbedTLS 2.28 would let a server ask for a new handshake. */
    mbedtls_ssl_conf_renegotiation(settings, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
}

/*
 * A 3.6 server that refuses within the TLS 1.3 handshake encrypts its alert with keys that the
 * client has left behind, who then sees garbage instead of the reason. There the certificate passes
 * at first, and tls.c judges it right after the handshake, before a byte is read.
 */
static int verify_mode(const struct tls_context *context)
{
    if (!context->ca)
        return MBEDTLS_SSL_VERIFY_NONE;
    bool judged_later = context->role == TLS_SERVER && MBEDTLS_VERSION_MAJOR >= 3;
    return context->peer_optional || judged_later ? MBEDTLS_SSL_VERIFY_OPTIONAL
                                                  : MBEDTLS_SSL_VERIFY_REQUIRED;
}

static int set_up(struct tls_context *context)
{
    mbedtls_ssl_config *settings = &context->settings;
    int role = context->role == TLS_CLIENT ? MBEDTLS_SSL_IS_CLIENT : MBEDTLS_SSL_IS_SERVER;
    int code = mbedtls_ssl_config_defaults(settings, role, MBEDTLS_SSL_TRANSPORT_STREAM,
                                           MBEDTLS_SSL_PRESET_DEFAULT);
    if (code)
        return code;
    set_versions(settings);
    mbedtls_ssl_conf_rng(settings, crypto_random, NULL);
    mbedtls_ssl_conf_ciphersuites(settings, suites);
    mbedtls_ssl_conf_authmode(settings, verify_mode(context));
    mbedtls_ssl_conf_ca_chain(settings, context->ca, context->crl);
    if (context->certificate)
        code = mbedtls_ssl_conf_own_cert(settings, context->certificate, key_pk(context->key));
    if (!code && context->alpn[0])
        code = mbedtls_ssl_conf_alpn_protocols(settings, context->alpn);
    return code;
}

enum err tls_context_open(struct tls_context **out, const struct tls_config *config,
                          struct fault *fault)
{
#if MBEDTLS_VERSION_MAJOR >= 3
    if (psa_crypto_init() != PSA_SUCCESS)
        return fault_set(fault, ERR_TLS, "", "mbedTLS's cryptography doesn't start");
#endif
    if (config->role == TLS_SERVER && !config->certificate_file)
        return fault_set(fault, ERR_INVALID, "certificate", "a TLS server needs a certificate");
    if (config->role == TLS_SERVER && !config->ca_file && !config->peer_certificate_optional)
        return fault_set(fault, ERR_INVALID, "ca", "a TLS server needs to know whom it trusts");
    struct tls_context *context = calloc(1, sizeof *context);
    if (!context)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    mbedtls_ssl_config_init(&context->settings);
    (void)pthread_mutex_init(&context->handshake, NULL);
    context->references = 1;
    context->role = config->role;
    context->clock = config->clock;
    context->peer_optional = config->role == TLS_SERVER && config->peer_certificate_optional;
    enum err err = read_files(context, config, fault);
    if (!err)
        err = copy_alpn(context, config->alpn, fault);
    int code = err ? 0 : set_up(context);
    if (code)
        err = crypto_fault(fault, ERR_TLS, "", "setting up TLS", code);
    if (err) {
        tls_context_close(context);
        return err;
    }
    *out = context;
    return ERR_OK;
}

void tls_context_close(struct tls_context *context)
{
    if (!context || --context->references > 0)
        return;
    mbedtls_ssl_config_free(&context->settings);
    certificate_free(context->ca);
    certificate_free(context->certificate);
    crl_free(context->crl);
    key_free(context->key);
    (void)pthread_mutex_destroy(&context->handshake);
    free(context);
}

static int64_t system_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t tls_context_now_ms(const struct tls_context *context)
{
    if (!context->clock)
        return system_ms();
    return context->role == TLS_CLIENT ? clock_floor_ms(context->clock)
                                       : clock_wall_ms(context->clock);
}

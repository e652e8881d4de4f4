#include "sync/hub/credentials.h"
#include "hal/storage.h"

#include <stdio.h>

enum err credentials_path(const struct hub_config *config, const char *key, const char *fallback,
                          char path[static PATH_MAX], struct fault *fault)
{
    const char *given = settings_text(config->settings, key);
    enum err err = given ? storage_path(path, PATH_MAX, "", given)
                         : storage_path(path, PATH_MAX, config->state, fallback);
    if (!err && given)
        (void)snprintf(path, PATH_MAX, "%s", given);
    return err ? fault_set(fault, err, key, "the path is too long") : ERR_OK;
}

enum err credentials_client(const struct hub_config *config, char ca_file[static PATH_MAX],
                            struct tls_context **tls, struct fault *fault)
{
    char certificate[PATH_MAX];
    char key[PATH_MAX];
    enum err err = credentials_path(config, "tls.ca", "identity/ca.pem", ca_file, fault);
    if (!err)
        err =
            credentials_path(config, "tls.certificate", "identity/current.pem", certificate, fault);
    if (!err)
        err = credentials_path(config, "tls.key", "identity/current.pem", key, fault);
    if (err)
        return err;
    const struct tls_config tls_config = {
        .role = TLS_CLIENT,
        .ca_file = ca_file,
        .crl_file = settings_text(config->settings, "tls.crl"),
        .certificate_file = certificate,
        .key_file = key,
        .clock = config->clock,
    };
    return tls_context_open(tls, &tls_config, fault);
}

enum err credentials_server(const struct hub_config *config, const char *certificate,
                            const char *key, bool optional, struct tls_context **tls,
                            struct fault *fault)
{
    char ca[PATH_MAX];
    const struct settings *settings = config->settings;
    const struct tls_config tls_config = {
        .role = TLS_SERVER,
        .ca_file = ca,
        .crl_file = settings_text(settings, "tls.crl"),
        .certificate_file = settings_text(settings, certificate),
        .key_file = settings_text(settings, key),
        .peer_certificate_optional = optional,
        .clock = config->clock,
    };
    enum err err = credentials_path(config, "tls.ca", "identity/ca.pem", ca, fault);
    return err || !tls_config.certificate_file ? err : tls_context_open(tls, &tls_config, fault);
}

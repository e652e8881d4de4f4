#include "tests/support/tls_pki.h"

#include "hal/storage.h"
#include "provisioning/authority.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DAY_MS = 24 * 60 * 60 * 1000 };

static const char *const here[] = {"localhost", "127.0.0.1", "::1"};
static const char *const elsewhere[] = {"elsewhere.example"};

static void check(enum err err, const struct fault *fault)
{
    if (err) {
        (void)fprintf(stderr, "test PKI: %s: %s\n", fault->where, fault->text);
        exit(1);
    }
}

static void issue(const struct tls_pki *pki, struct authority *authority,
                  enum certificate_purpose purpose, const char *name, int from_day, int to_day)
{
    const char *const *hosts = strcmp(name, "wrong_host") == 0 ? elsewhere : here;
    struct fault fault;
    check(authority_issue_files(
              authority,
              &(struct authority_order){
                  .purpose = purpose,
                  .name = name,
                  .hosts = purpose == CERTIFICATE_SERVER ? hosts : NULL,
                  .host_count = purpose != CERTIFICATE_SERVER ? 0
                                : hosts == here               ? 3
                                                              : 1,
                  .validity = {.not_before_ms = pki->now_ms + (int64_t)from_day * DAY_MS,
                               .not_after_ms = pki->now_ms + (int64_t)to_day * DAY_MS}},
              pki->scratch.path, pki->now_ms, &fault),
          &fault);
}

static struct authority *found(const struct tls_pki *pki, const char *folder, const char *name)
{
    char path[SCRATCH_PATH_MAX];
    struct authority *authority;
    struct fault fault;
    struct authority_validity validity = {pki->now_ms - (int64_t)1000 * DAY_MS,
                                          pki->now_ms + (int64_t)1000 * DAY_MS};
    scratch_path(&pki->scratch, folder, path);
    check(authority_create(path, name, validity, pki->now_ms, &fault), &fault);
    check(authority_open(&authority, path, &fault), &fault);
    return authority;
}

static void keep(const struct tls_pki *pki, const char *name, struct slice content)
{
    char path[SCRATCH_PATH_MAX];
    scratch_write(scratch_path(&pki->scratch, name, path), content.data, content.len);
}

static void keep_crl(const struct tls_pki *pki, struct authority *authority, const char *name,
                     int from_day, int to_day)
{
    struct buf pem;
    struct fault fault;
    buf_init(&pem, 1 << 20);
    check(authority_crl(authority, pki->now_ms + (int64_t)from_day * DAY_MS,
                        pki->now_ms + (int64_t)to_day * DAY_MS, &pem, &fault),
          &fault);
    keep(pki, name, buf_slice(&pem));
    buf_free(&pem);
}

static void revoke(const struct tls_pki *pki, struct authority *authority, const char *name)
{
    size_t count;
    struct fault fault;
    check(authority_revoke_name(authority, name, CRL_KEY_COMPROMISE, pki->now_ms, &count, &fault),
          &fault);
}

void tls_pki_make(struct tls_pki *pki)
{
    scratch_make(&pki->scratch);
    pki->now_ms = (int64_t)time(NULL) * 1000;
    struct authority *authority = found(pki, "ca", "Test CA");
    keep(pki, "ca.pem", authority_pem(authority));
    issue(pki, authority, CERTIFICATE_SERVER, "server", -1, 90);
    issue(pki, authority, CERTIFICATE_SERVER, "expired", -90, -2);
    issue(pki, authority, CERTIFICATE_SERVER, "not_yet", 2, 90);
    issue(pki, authority, CERTIFICATE_SERVER, "wrong_host", -1, 90);
    issue(pki, authority, CERTIFICATE_SERVER, "revoked", -1, 90);
    issue(pki, authority, CERTIFICATE_DEVICE, "shop-1", -1, 90);
    issue(pki, authority, CERTIFICATE_DEVICE, "shop-2", -1, 90);
    issue(pki, authority, CERTIFICATE_DEVICE, "hub", -1, 90);
    issue(pki, authority, CERTIFICATE_DEVICE, "late-shop", -90, -2);
    issue(pki, authority, CERTIFICATE_DEVICE, "early-shop", 2, 90);
    issue(pki, authority, CERTIFICATE_DEVICE, "bad-shop", -1, 90);
    revoke(pki, authority, "revoked");
    revoke(pki, authority, "bad-shop");
    keep_crl(pki, authority, "stale-crl.pem", -40, -10);
    keep_crl(pki, authority, "crl.pem", 0, 30);
    authority_close(authority);
    authority = found(pki, "other-ca", "Another CA");
    issue(pki, authority, CERTIFICATE_SERVER, "stranger", -1, 90);
    issue(pki, authority, CERTIFICATE_DEVICE, "far-shop", -1, 90);
    authority_close(authority);
}

void tls_pki_remove(struct tls_pki *pki)
{
    scratch_remove(&pki->scratch);
}

const char *tls_pki_path(const struct tls_pki *pki, const char *name,
                         char path[static SCRATCH_PATH_MAX])
{
    return scratch_path(&pki->scratch, name, path);
}

struct tls_context *tls_pki_special(const struct tls_pki *pki, enum tls_role role, const char *name,
                                    struct tls_config more)
{
    char paths[4][SCRATCH_PATH_MAX];
    char file[64];
    struct tls_context *context;
    struct fault fault;
    more.role = role;
    more.ca_file = tls_pki_path(pki, "ca.pem", paths[0]);
    if (more.crl_file)
        more.crl_file = tls_pki_path(pki, more.crl_file, paths[1]);
    if (name) {
        (void)snprintf(file, sizeof file, "%s.pem", name);
        more.certificate_file = tls_pki_path(pki, file, paths[2]);
        (void)snprintf(file, sizeof file, "%s-key.pem", name);
        more.key_file = tls_pki_path(pki, file, paths[3]);
    }
    check(tls_context_open(&context, &more, &fault), &fault);
    return context;
}

struct tls_context *tls_pki_context(const struct tls_pki *pki, enum tls_role role, const char *name)
{
    return tls_pki_special(pki, role, name, (struct tls_config){.crl_file = "crl.pem"});
}

/*
 * The certificate authority that a hub keeps: a self-signed P-256 root, what it issued, what it
 * revoked.
 *
 *     ca.pem         its certificate
 *     ca-key.pem     its key, 0600
 *     crl.pem        the revocation list made last
 *     authority.db   every certificate issued, and the number of the last list (SQLite)
 *
 * A certificate is recorded on disk before anyone sees it. Several processes may open the same
 * directory. No clock inside: times are passed in. A handle belongs to one thread at a time; every
 * call may block on the disk.
 */
#ifndef PROVISIONING_AUTHORITY_H
#define PROVISIONING_AUTHORITY_H

#include "provisioning/crl.h"

struct authority;

/* How far notBefore is set back, for devices whose clock is a little behind. */
enum { AUTHORITY_BACKDATE_MS = 5 * 60 * 1000 };

struct authority_validity {
    int64_t not_before_ms;
    int64_t not_after_ms;
};
/* From `now_ms` set back by AUTHORITY_BACKDATE_MS, for so many days. */
struct authority_validity authority_days(int64_t now_ms, unsigned days);

/*
 * Makes a root in `folder` (made too, 0700) with an empty list valid for 30 days. ERR_CONFLICT when
 * there is one already; a creation cut short is completed.
 */
enum err authority_create(const char *folder, const char *name, struct authority_validity validity,
                          int64_t now_ms, struct fault *fault) MUST_CHECK;
/* ERR_NOT_FOUND when there is none; ERR_CORRUPT when its record of certificates was lost. */
enum err authority_open(struct authority **authority, const char *folder,
                        struct fault *fault) MUST_CHECK;
/* Takes NULL. */
void authority_close(struct authority *authority);
void authority_cleanup(struct authority **authority); /* for CLEANUP */

/* The root certificate; borrowed. */
mbedtls_x509_crt *authority_certificate(const struct authority *authority);
struct slice authority_pem(const struct authority *authority);

/*
 * Issues to a subject that made its own key, and appends the certificate as PEM. The root itself is
 * not repeated: whoever trusts it has it.
 */
struct authority_order {
    enum certificate_purpose purpose; /* anything but CERTIFICATE_AUTHORITY */
    const char *name;                 /* common name: a device id, a server's name */
    const char *const *hosts;         /* CERTIFICATE_SERVER: DNS names and IP addresses */
    size_t host_count;
    struct authority_validity validity; /* cut to the root's own end */
};
enum err authority_issue(struct authority *authority, const struct authority_order *order,
                         mbedtls_pk_context *subject, int64_t now_ms, struct buf *pem,
                         struct fault *fault) MUST_CHECK;
/* The same for a signing request; its common name must be the order's name: ERR_CONFLICT. */
enum err authority_issue_request(struct authority *authority, const struct authority_order *order,
                                 struct slice request, int64_t now_ms, struct buf *pem,
                                 struct fault *fault) MUST_CHECK;

/*
 * For one machine that plays all parts: makes a key too and writes `<folder>/<name>.pem` and
 * `<folder>/<name>-key.pem` (0600). Replaces what was there.
 */
enum err authority_issue_files(struct authority *authority, const struct authority_order *order,
                               const char *folder, int64_t now_ms, struct fault *fault) MUST_CHECK;
/* The same into an identity directory (provisioning/identity.h): current.pem, ca.pem, crl.pem. */
enum err authority_issue_identity(struct authority *authority, const char *device,
                                  struct authority_validity validity, const char *folder,
                                  int64_t now_ms, struct fault *fault) MUST_CHECK;

/* Revokes all unexpired certificates of a name; *count says how many were not yet revoked. */
enum err authority_revoke_name(struct authority *authority, const char *name,
                               enum crl_reason reason, int64_t now_ms, size_t *count,
                               struct fault *fault) MUST_CHECK;
/*
 * Makes the list anew, with the next number, replaces crl.pem, and appends it as PEM unless NULL.
 * Its thisUpdate is set back by AUTHORITY_BACKDATE_MS, for clocks that are slow; but it is a second
 * or more after the last list's, unless that is in the future. A broker keeps all lists that it has
 * read and goes by the latest; of two of one second OpenSSL may take the older.
 */
enum err authority_crl(struct authority *authority, int64_t now_ms, int64_t next_update_ms,
                       struct buf *pem, struct fault *fault) MUST_CHECK;

struct authority_record {
    char serial[SERIAL_TEXT + 1];
    char name[CERTIFICATE_NAME_MAX + 1];
    enum certificate_purpose purpose;
    int64_t issued_ms;
    int64_t not_after_ms;
    int64_t revoked_ms; /* 0: not revoked */
};
/* Calls back for each certificate of `name` (all when NULL), oldest first. */
typedef void authority_visit(void *context, const struct authority_record *record);
enum err authority_list(struct authority *authority, const char *name, authority_visit *visit,
                        void *context, struct fault *fault) MUST_CHECK;

#endif

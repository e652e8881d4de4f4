/*
 * What an authority issued and revoked, in SQLite; for authority.c only. Every change is on disk
 * when its call returns. One thread at a time.
 */
#ifndef PROVISIONING_AUTHORITY_STORE_H
#define PROVISIONING_AUTHORITY_STORE_H

#include "provisioning/authority.h"

struct authority_store;

enum err authority_store_open(struct authority_store **store, const char *path,
                              struct fault *fault) MUST_CHECK;
/* Takes NULL. */
void authority_store_close(struct authority_store *store);

enum err authority_store_issue(struct authority_store *store, const struct certificate_facts *facts,
                               enum certificate_purpose purpose, int64_t now_ms,
                               struct fault *fault) MUST_CHECK;
enum err authority_store_revoke_name(struct authority_store *store, const char *name,
                                     enum crl_reason reason, int64_t now_ms, size_t *count,
                                     struct fault *fault) MUST_CHECK;
/*
 * Takes the next list's number for the order's times, and all that is revoked at that moment:
 * order->entries points into *entries, which the caller frees. After success no other process can
 * make a list until authority_store_list_end, so that an older one never replaces a newer file.
 */
enum err authority_store_list(struct authority_store *store, struct crl_order *order,
                              struct crl_entry **entries, struct fault *fault) MUST_CHECK;
/* Keeps the number when `err`, how the making went, is ERR_OK; returns the first failure. */
enum err authority_store_list_end(struct authority_store *store, enum err err,
                                  struct fault *fault) MUST_CHECK;
enum err authority_store_each(struct authority_store *store, const char *name,
                              authority_visit *visit, void *context,
                              struct fault *fault) MUST_CHECK;

#endif

/*
 * Calls to Tryton 6.0: JSON-RPC over HTTP POST to /<database>/, in a session that is opened by user
 * and password and opened anew when Tryton has forgotten it.
 *
 * Tryton answers what a user did wrong (unbalanced, closed period, no such account) with status 200
 * and an error in the body; that is ERR_REFUSED, with its own words. Blocks; one thread.
 */
#ifndef SYNC_HUB_CONNECT_TRYTON_RPC_H
#define SYNC_HUB_CONNECT_TRYTON_RPC_H

#include "hal/base/json.h"
#include "hal/base/jsonw.h"
#include "sync/hub/connect/http_call.h"

struct tryton_rpc;

struct tryton_rpc_config {
    const char *url; /* without the database */
    const char *database;
    const char *user;
    const char *password;
    const char *ca_file;
    int64_t timeout_ms;
};

enum err tryton_rpc_open(struct tryton_rpc **rpc, const struct tryton_rpc_config *config,
                         struct fault *fault) MUST_CHECK;
void tryton_rpc_close(struct tryton_rpc *rpc); /* takes NULL */

/*
 * The arguments of the next call: write each as an item of the list, then the context, and call.
 * Forgets what was written for a call that was not made.
 */
struct jsonw *tryton_rpc_begin(struct tryton_rpc *rpc);
/* The same writer, to go on with. */
struct jsonw *tryton_rpc_writer(struct tryton_rpc *rpc);

/*
 * Calls `method` with what was written since tryton_rpc_begin. The result is part of *document,
 * which the caller frees; NULL stands for null. Beside what http_call_run gives: ERR_REFUSED, in
 * Tryton's words; ERR_FORBIDDEN: the user may not; ERR_BUSY: later; ERR_IO: it failed inside.
 */
enum err tryton_rpc_call(struct tryton_rpc *rpc, const char *method, struct cJSON **document,
                         const struct cJSON **result, struct fault *fault) MUST_CHECK;

#endif

/*
 * One HTTP request at a time to a system outside: HTTPS, or plain HTTP on this machine only, with
 * limits of size and time; redirects are not followed. What it can tell, and callers need most, is
 * whether the other side may have been asked: an answer that didn't come leaves the outcome
 * unknown, a connection that couldn't be made doesn't.
 *
 * Blocks for as long as its time limit. One thread at a time; make all of them on one thread.
 */
#ifndef SYNC_HUB_CONNECT_HTTP_CALL_H
#define SYNC_HUB_CONNECT_HTTP_CALL_H

#include "hal/base/buf.h"

enum { HTTP_ANSWER_MAX = 4 * 1024 * 1024, HTTP_URL_MAX = 1024, HTTP_HEADERS_MAX = 16 };

struct http_call;

struct http_call_config {
    const char *ca_file; /* PEM; NULL: the system's */
    int64_t timeout_ms;  /* of a whole request; 20000 when 0 */
};

struct http_call_header {
    const char *name;
    const char *value;
};

struct http_request {
    const char *method;
    const char *url;
    struct http_call_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
    struct slice body;
};

struct http_answer {
    int status;
    int64_t retry_after_ms; /* Retry-After (RFC 9110), an hour at most; 0: it isn't said */
    struct buf body;        /* the caller's: buf_init before, buf_free after */
};

enum err http_call_open(struct http_call **call, const struct http_call_config *config,
                        struct fault *fault) MUST_CHECK;
void http_call_close(struct http_call *call); /* takes NULL */

/* ERR_INVALID unless the address may be called: https, or http to this machine. */
enum err http_call_check_url(const char *url, struct fault *fault) MUST_CHECK;

/*
 * ERR_OK with any status. ERR_UNREACHABLE, ERR_TLS: it was not asked. ERR_UNKNOWN_OUTCOME: it may
 * have been, and there is no whole answer.
 */
enum err http_call_run(struct http_call *call, const struct http_request *request,
                       struct http_answer *answer, struct fault *fault) MUST_CHECK;

#endif

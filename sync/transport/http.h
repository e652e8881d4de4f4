/*
 * An HTTP/1.1 server (RFC 9112): libmicrohttpd behind our own listener, plain on loopback, TLS by
 * mbedTLS elsewhere. MHD's epoll descriptor is polled by the loop; a request is handed over whole
 * (its body has a cap), is answered at once or later, from the loop's thread. Server-sent events
 * are answers that stay open. Loop thread only; never blocks.
 */
#ifndef SYNC_TRANSPORT_HTTP_H
#define SYNC_TRANSPORT_HTTP_H

#include "hal/base/diag.h"
#include "sync/transport/tls.h"

struct http_server;
struct http_request; /* one exchange; valid until it is answered, even if the peer has left */
struct http_stream;  /* one open text/event-stream answer; valid until `gone` or its end */

enum { HTTP_BODY_MAX = 1024 * 1024, HTTP_STREAM_WAITING_MAX = 64 * 1024 };

struct http_limits {
    int64_t handshake_ms; /* 5000 when 0 */
    int64_t headers_ms;   /* 10000 */
    int64_t body_ms;      /* 30000 */
    int64_t idle_ms;      /* 60000; between requests, and for taking in an answer */
    unsigned connections; /* 128 */
    unsigned per_address; /* 16 */
    size_t body_bytes;    /* HTTP_BODY_MAX */
};

struct http_config {
    const char *address;     /* "127.0.0.1:8080", "[::1]:0"; port 0 takes a free one */
    struct tls_context *tls; /* NULL: plain, allowed on loopback addresses only */
    struct http_limits limits;
    /* Called for each whole request. Answer now or later, exactly once. */
    void (*handle)(void *context, struct http_request *request);
    void *context;
    struct diag *diag;
};

enum err http_server_open(struct http_server **server, struct loop *loop,
                          const struct http_config *config, struct fault *fault) MUST_CHECK;
/*
 * Takes NULL; not to be called from `handle`. Open connections are cut, each stream's `gone` comes;
 * requests not answered yet stay valid and must still be answered, into the void.
 */
void http_server_close(struct http_server *server);
/* For connections from now on; a server that was opened with TLS stays one. */
void http_server_use_tls(struct http_server *server, struct tls_context *tls);
/* "127.0.0.1:43121": with the port that was really taken. Borrowed. */
const char *http_server_address(const struct http_server *server);

/* A HEAD is the GET that it stands for; what is answered goes without its body (RFC 9110, 9.3.2).
 */
const char *http_request_method(const struct http_request *request);
const char *http_request_path(const struct http_request *request); /* "/..." without the query */
/* Header or query value; NULL if absent. Header names ignore case. */
const char *http_request_header(const struct http_request *request, const char *name);
const char *http_request_query(const struct http_request *request, const char *name);
/* ERR_INVALID if the query has a name that isn't one of those in `known`, with spaces between. */
enum err http_request_check_query(const struct http_request *request, const char *known,
                                  struct fault *fault) MUST_CHECK;
struct slice http_request_body(const struct http_request *request);
/*
 * ERR_UNSUPPORTED if the client says that its body is something else than JSON. Saying nothing is
 * fine, and so is what clients say by themselves: application/x-www-form-urlencoded (curl) and
 * text/plain (fetch).
 */
enum err http_request_check_json(const struct http_request *request,
                                 struct fault *fault) MUST_CHECK;
/* The TLS peer's CN; "" without one. And whether it came in over TLS. */
const char *http_request_peer(const struct http_request *request);
bool http_request_secure(const struct http_request *request);

struct http_header {
    const char *name;
    const char *value;
};

/*
 * Answers, and is done with the request; the body is copied. `headers` come beside the content type
 * and the fixed security headers, and replace those of the same name.
 */
void http_answer(struct http_request *request, int status, const char *content_type,
                 struct slice body, const struct http_header *headers, size_t header_count);
/*
 * Answers with RFC 9457 problem+json made from a fault: type, title, status, detail, and `field`
 * from its place. A 503 says when to try again, a 401 that a bearer token is asked for.
 */
void http_problem(struct http_request *request, int status, const struct fault *fault);
/* Answers 405 with the methods that the path does take, like "GET, POST" (RFC 9110, 15.5.6). */
void http_not_allowed(struct http_request *request, const char *allowed);
/* The status that an error's code means: 400, 404, 409, 413, 422, 503, ... */
int http_status_of(enum err err);

/*
 * Answers with a text/event-stream that stays open. `gone` comes once when the peer has left, and
 * not after http_stream_end. NULL on no memory: then the request was answered with a 503.
 */
struct http_stream *http_stream_begin(struct http_request *request, void (*gone)(void *context),
                                      void *context);
/* Queues one event; a peer that reads too slowly (64 KiB waiting) is cut off, and `gone` comes. */
void http_stream_send(struct http_stream *stream, const char *event, struct slice data);
void http_stream_end(struct http_stream *stream);

#endif

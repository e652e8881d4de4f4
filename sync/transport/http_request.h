/*
 * Inside of struct http_request: one exchange, held by MHD until it is over and by the handler
 * until it is answered, whichever comes last. For http.c and http_stream.c. Loop thread only.
 */
#ifndef SYNC_TRANSPORT_HTTP_REQUEST_H
#define SYNC_TRANSPORT_HTTP_REQUEST_H

#include "provisioning/certificate.h"
#include "sync/transport/http.h"

#include <microhttpd.h>

enum { HTTP_METHOD_MAX = 15 };

struct http_request {
    struct loop *loop;
    struct loop_timer *again;   /* to be started after a resume: MHD itself wakes nobody */
    struct MHD_Connection *mhd; /* NULL once MHD is through with the exchange */
    int fd;                     /* the socket that MHD has */
    char method[HTTP_METHOD_MAX + 1];
    char peer[CERTIFICATE_NAME_MAX + 1];
    bool secure;
    struct buf body;
    size_t passed_over; /* bytes of a body above the cap, read and dropped */
    bool handled;       /* given to the handler */
    bool suspended;     /* MHD waits for the answer */
    bool answered;
    bool streaming;
    int status;
    struct MHD_Response *response; /* to be queued */
    char path[];
};

/* NULL on no memory. */
struct http_request *http_request_open(struct MHD_Connection *mhd, const char *path,
                                       const char *method, size_t body_max);
/* MHD is through with it. */
void http_request_over(struct http_request *request);
/* Takes a response (ours to destroy), resumes MHD; the handler's hold ends. */
void http_request_respond(struct http_request *request, int status, struct MHD_Response *response);
/* The fixed security headers, unless `headers` has one of the name; then `headers`. */
void http_request_headers(struct MHD_Response *response, const char *content_type,
                          const struct http_header *headers, size_t count);

#endif

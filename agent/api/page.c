#include "agent/page/page.h"
#include "agent/api/internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Nothing but what is served here, no frame around it, and the camera for this page only. */
static const struct http_header page_headers[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
     "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"Permissions-Policy", "camera=(self), microphone=(), geolocation=()"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"X-Frame-Options", "DENY"},
    {"Vary", "Accept-Encoding"},
    {"Content-Encoding", "gzip"}, /* the last: left out where it isn't asked for */
};

/* RFC 9110, section 12.5.3: "br, gzip;q=0.5"; a weight of zero is a refusal. */
static bool accepts_gzip(const char *accepted)
{
    for (const char *at = accepted; at && *at; at += *at == ',') {
        at += strspn(at, " \t");
        size_t len = strcspn(at, ",");
        size_t name = strcspn(at, ",; \t");
        const char *weight = memchr(at, '=', len);
        if (name == 4 && strncasecmp(at, "gzip", name) == 0)
            return !weight || strtod(weight + 1, NULL) > 0;
        at += len;
    }
    return false;
}

static void serve(struct api_call *call, struct slice name)
{
    struct page_asset asset;
    struct fault fault;
    if (!page_find(name, &asset)) {
        fault_set(&fault, ERR_NOT_FOUND, "", "the store page has no such file");
        http_problem(call->request, 404, &fault);
        return;
    }
    bool packed = accepts_gzip(http_request_header(call->request, "Accept-Encoding"));
    http_answer(call->request, 200, asset.content_type, packed ? asset.packed : asset.content,
                page_headers, sizeof page_headers / sizeof *page_headers - (packed ? 0 : 1));
}

static void index_page(struct api_call *call)
{
    serve(call, SLICE_LITERAL("index.html"));
}

static void file(struct api_call *call)
{
    serve(call, call->rest);
}

const struct api_route api_page_routes[] = {
    {"GET", "/", API_OPEN, index_page},
    {"GET", "/page/{}", API_OPEN, file},
    {0},
};

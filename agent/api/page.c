#include "agent/page/page.h"
#include "agent/api/internal.h"

/* Nothing but what is served here, no frame around it, and the camera for this page only. */
static const struct http_header page_headers[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
     "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"Permissions-Policy", "camera=(self), microphone=(), geolocation=()"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"X-Frame-Options", "DENY"},
};

static void serve(struct api_call *call, struct slice name)
{
    struct page_asset asset;
    struct fault fault;
    if (!page_find(name, &asset)) {
        fault_set(&fault, ERR_NOT_FOUND, "", "the store page has no such file");
        http_problem(call->request, 404, &fault);
        return;
    }
    http_answer(call->request, 200, asset.content_type, asset.content, page_headers,
                sizeof page_headers / sizeof *page_headers);
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

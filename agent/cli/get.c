#include "agent/cli/cli.h"
#include "agent/people/local.h"
#include "hal/base/cleanup.h"
#include "hal/base/id.h"
#include "hal/base/json.h"
#include "hal/base/random.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

/* A technician's wish may wait for a scan, or for a handshake that hangs. */
enum { URL_MAX = 1024, TIMEOUT_S = 10, SERVICE_TIMEOUT_S = 150 };

static size_t collect(char *data, size_t size, size_t count, void *context)
{
    struct buf *out = context;
    buf_append(out, data, size * count);
    return out->failed ? 0 : size * count;
}

static enum err explain(long status, const struct buf *body, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    const char *detail = NULL;
    const char *field = NULL;
    if (json_parse(buf_slice(body), JSON_LIMITS_DEFAULT, &doc, NULL) == ERR_OK) {
        detail = json_member_text(doc, "detail");
        field = json_member_text(doc, "field");
    }
    return fault_set(fault, status == 404 ? ERR_NOT_FOUND : ERR_REFUSED, "",
                     "the appliance answered %ld: %s%s%s", status, field ? field : "",
                     field ? ": " : "", detail ? detail : "no reason given");
}

static enum err perform(CURL *curl, struct buf *out, struct fault *fault)
{
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK)
        return fault_set(fault, ERR_UNREACHABLE, "", "the appliance can't be reached: %s",
                         curl_easy_strerror(code));
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status < 300 ? buf_check(out, fault, "answer")
                                         : explain(status, out, fault);
}

/* A key that nobody else has: the command is asked for once. */
static void write_key(char *line, size_t size)
{
    char text[ID_TEXT + 1];
    struct id id;
    random_fill(NULL, id.bytes, ID_BYTES);
    id_format(&id, text);
    (void)snprintf(line, size, "Idempotency-Key: cli-%s", text);
}

/* The address and token of --url, or of the appliance that runs in --state. */
static enum err find_way(const struct cli *cli, const char *path, char url[static URL_MAX],
                         struct local_way *way, struct fault *fault)
{
    enum err err = cli->url ? ERR_OK : local_read(cli->state, way, fault);
    if (err)
        return err;
    int len = snprintf(url, URL_MAX, "%s%s", cli->url ? cli->url : way->address, path);
    if (len < 0 || len >= URL_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "--url", "the address is too long");
    if (cli->url)
        (void)snprintf(way->token, sizeof way->token, "%s", cli->token ? cli->token : "");
    return ERR_OK;
}

static struct curl_slist *make_headers(const char *token, bool has_body)
{
    char line[256];
    struct curl_slist *headers = NULL;
    if (token[0]) {
        (void)snprintf(line, sizeof line, "Authorization: Bearer %s", token);
        headers = curl_slist_append(headers, line);
    }
    if (has_body) {
        write_key(line, sizeof line);
        headers = curl_slist_append(headers, line);
        headers = curl_slist_append(headers, "Content-Type: application/json");
    }
    return headers;
}

/* `body` NULL: a GET. */
static enum err ask(const struct cli *cli, const char *path, const char *body, struct buf *out,
                    struct fault *fault)
{
    char url[URL_MAX];
    struct local_way way = {.token = ""};
    enum err err = find_way(cli, path, url, &way, fault);
    if (err)
        return err;
    CURL *curl = cli->line ? cli->line : curl_easy_init();
    if (!curl)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    struct curl_slist *headers = make_headers(way.token, body != NULL);
    if (!cli->url) { /* this machine's own appliance: its certificate is for others */
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    bool slow = strncmp(path, "/v1/service/", sizeof "/v1/service/" - 1) == 0;
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)(slow ? SERVICE_TIMEOUT_S : TIMEOUT_S));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    err = perform(curl, out, fault);
    curl_slist_free_all(headers);
    if (cli->line)
        curl_easy_reset(curl); /* but for its connection */
    else
        curl_easy_cleanup(curl);
    return err;
}

enum err cli_get(const struct cli *cli, const char *path, struct buf *out, struct fault *fault)
{
    return ask(cli, path, NULL, out, fault);
}

enum err cli_post(const struct cli *cli, const char *path, const char *body, struct buf *out,
                  struct fault *fault)
{
    return ask(cli, path, body, out, fault);
}

#include "provisioning/report.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/rfc3339.h"
#include "hal/storage.h"

#include <limits.h>
#include <string.h>

static const char kind[] = "commissioning-report";
static const struct json_limits limits = {.bytes = ENVELOPE_PAYLOAD_MAX, .depth = 6};
enum { AHEAD_MS = 24 * 60 * 60 * 1000 }; /* clocks of new appliances are set roughly */

/* --- Signing --------------------------------------------------------------------------------- */

static enum err chain_of(struct slice pair, struct buf *chain, struct fault *fault)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    const char *at = memmem(pair.data, pair.len, begin, sizeof begin - 1);
    if (!at)
        return fault_set(fault, ERR_NOT_FOUND, "identity", "there is no certificate yet");
    buf_append(chain, at, pair.len - (size_t)(at - pair.data));
    return buf_check(chain, fault, "identity");
}

enum err report_seal(const char *identity_folder, struct slice payload, struct buf *envelope,
                     struct fault *fault)
{
    char path[PATH_MAX];
    struct key *key CLEANUP(key_cleanup) = NULL;
    struct buf pair CLEANUP(key_wipe);
    struct buf chain CLEANUP(buf_free);
    buf_init(&pair, CERTIFICATE_PEM_MAX);
    buf_init(&chain, CERTIFICATE_PEM_MAX);
    enum err err = storage_path(path, sizeof path, identity_folder, "current.pem");
    if (err)
        return fault_set(fault, err, identity_folder, "the path is too long");
    err = key_load(path, &key, fault);
    if (!err)
        err = storage_read(path, &pair, fault);
    if (!err)
        err = chain_of(buf_slice(&pair), &chain, fault);
    return err ? err
               : envelope_make_as(CERTIFICATE_DEVICE, kind, payload, buf_slice(&chain), key,
                                  envelope, fault);
}

/* --- Checking -------------------------------------------------------------------------------- */

static enum err read_claims(struct slice payload, struct report_facts *facts, bool of_signer,
                            struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    enum err err = json_parse(payload, limits, &doc, fault);
    if (err)
        return err;
    const char *device = json_member_text(doc, "device");
    const char *made = json_member_text(doc, "made_at");
    if (!device || !made || rfc3339_parse(slice_of(made), &facts->made_ms) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "report",
                         "it doesn't say which device made it, and when");
    if (of_signer && strcmp(device, facts->device) != 0)
        return fault_set(fault, ERR_REFUSED, "device", "the report is of %.64s, and %s signed it",
                         device, facts->device);
    return ERR_OK;
}

enum err report_open(struct slice envelope, mbedtls_x509_crt *ca, mbedtls_x509_crl *crl,
                     int64_t now_ms, struct buf *payload, struct report_facts *facts,
                     struct fault *fault)
{
    struct buf peeked CLEANUP(buf_free);
    struct report_facts found = {.device = ""};
    buf_init(&peeked, ENVELOPE_PAYLOAD_MAX);
    enum err err = envelope_peek(kind, envelope, &peeked, fault);
    if (!err)
        err = read_claims(buf_slice(&peeked), &found, false, fault);
    if (!err && found.made_ms > now_ms + AHEAD_MS)
        err = fault_set(fault, ERR_REFUSED, "made_at", "is still to come");
    if (err)
        return err;
    const struct verify_rules rules = {.now_ms = found.made_ms, .ca = ca, .crl = crl};
    err =
        envelope_open_as(CERTIFICATE_DEVICE, kind, envelope, &rules, payload, found.device, fault);
    if (!err)
        err = read_claims(buf_slice(&peeked), &found, true, fault);
    if (!err)
        *facts = found;
    return err;
}

/* --- The page -------------------------------------------------------------------------------- */

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
    "<title>Commissioning report</title><style>"
    "body{font:16px/1.4 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#16211f;background:#fff}table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}"
    "th,td{border:1px solid #71807c;padding:.35rem .6rem;text-align:left;vertical-align:top}"
    "td.fail{background:#fce4e2;font-weight:700}td.warn{background:#fdf0d3}"
    ".sign{margin-top:3rem;border-top:1px solid #16211f;width:20rem;padding-top:.3rem}"
    "</style></head><body><main>\n<h1>Commissioning report</h1>\n";

static void escape(struct buf *html, const char *text)
{
    for (; text && *text; text++) {
        if (*text == '<')
            buf_append_text(html, "&lt;");
        else if (*text == '&')
            buf_append_text(html, "&amp;");
        else if (*text == '"')
            buf_append_text(html, "&quot;");
        else
            buf_append_char(html, *text);
    }
}

static void row(struct buf *html, const char *name, const char *value)
{
    buf_append_text(html, "<tr><th scope=\"row\">");
    buf_append_text(html, name);
    buf_append_text(html, "</th><td>");
    escape(html, value ? value : "");
    buf_append_text(html, "</td></tr>\n");
}

static void cell(struct buf *html, const char *text)
{
    buf_append_text(html, "<td>");
    escape(html, text);
    buf_append_text(html, "</td>");
}

static void findings(struct buf *html, const char *title, const struct cJSON *list)
{
    buf_printf(
        html,
        "<h2>%s</h2><table><thead><tr><th scope=\"col\">What</th><th scope=\"col\">Result"
        "</th><th scope=\"col\">Found</th><th scope=\"col\">To do</th></tr></thead><tbody>\n",
        title);
    for (const struct cJSON *item = json_first(list); item; item = json_next(item)) {
        const char *subject = json_member_text(item, "subject");
        const char *result = json_member_text(item, "result");
        bool bad = result && (strcmp(result, "fail") == 0 || strcmp(result, "warn") == 0);
        buf_append_text(html, "<tr><td>");
        escape(html, json_member_text(item, "id"));
        buf_append_text(html, subject ? " " : "");
        escape(html, subject);
        buf_printf(html, "</td><td%s%s%s>", bad ? " class=\"" : "", bad ? result : "",
                   bad ? "\"" : "");
        escape(html, result);
        buf_append_text(html, "</td>");
        cell(html, json_member_text(item, "cause"));
        cell(html, json_member_text(item, "next"));
        buf_append_text(html, "</tr>\n");
    }
    buf_append_text(html, "</tbody></table>\n");
}

static void ports(struct buf *html, const struct cJSON *list)
{
    buf_append_text(html, "<h2>Ports</h2><table><thead><tr><th scope=\"col\">Device</th>"
                          "<th scope=\"col\">Product</th><th scope=\"col\">Serial number</th>"
                          "<th scope=\"col\">Lane</th></tr></thead><tbody>\n");
    for (const struct cJSON *item = json_first(list); item; item = json_next(item)) {
        buf_append_text(html, "<tr>");
        cell(html, json_member_text(item, "device"));
        cell(html, json_member_text(item, "product"));
        cell(html, json_member_text(item, "serial_number"));
        cell(html, json_member_text(item, "lane"));
        buf_append_text(html, "</tr>\n");
    }
    buf_append_text(html, "</tbody></table>\n");
}

enum err report_page(struct slice payload, struct buf *html, struct fault *fault)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    enum err err = json_parse(payload, limits, &doc, fault);
    if (err)
        return err;
    buf_append_text(html, head);
    buf_append_text(html, "<table><tbody>\n");
    row(html, "Store", json_member_text(doc, "store"));
    row(html, "Appliance", json_member_text(doc, "device"));
    row(html, "Certificate", json_member_text(doc, "certificate"));
    row(html, "Version", json_member_text(doc, "version"));
    row(html, "Made", json_member_text(doc, "made_at"));
    row(html, "Technician", json_member_text(doc, "technician"));
    buf_append_text(html, "</tbody></table>\n");
    findings(html, "State of the appliance", json_member(doc, "doctor"));
    findings(html, "Self-test", json_member(doc, "selftest"));
    ports(html, json_member(doc, "ports"));
    buf_append_text(html, "<p class=\"sign\">Technician</p>\n</main></body></html>\n");
    return buf_check(html, fault, "page");
}

#include "agent/service/harmless.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"

#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 2048 };

/* What begins so is written by the road and the store of events, of ids and numbers only. */
static const char *const harmless[] = {"uplink.",   "eventlog.",       "mqtt.",
                                       "clock.",    "retention.",      "appliance.",
                                       "identity.", "scanner.changed", "printer.changed"};

static bool is_harmless(const char *name)
{
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (strncmp(name, harmless[i], strlen(harmless[i])) == 0)
            return true;
    return false;
}

/* True for letters, digits and what joins them to a word. */
static bool is_word(const char *text)
{
    return text && *text && strlen(text) <= 40 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.-:TZ") == strlen(text);
}

void harmless_line(struct slice line, struct buf *out)
{
    static const char *const members[] = {"time", "level", "name", "code"};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    const struct json_limits limits = {.bytes = LINE_MAX_BYTES, .depth = 2};
    if (json_parse(line, limits, &doc, NULL) != ERR_OK)
        return;
    const char *name = json_member_text(doc, "name");
    if (!is_word(name) || !is_word(json_member_text(doc, "time")))
        return;
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *value = json_member_text(doc, members[i]);
        if (is_word(value))
            jsonw_text(&w, members[i], value);
    }
    if (is_harmless(name))
        jsonw_text(&w, "text", json_member_text(doc, "text"));
    jsonw_end(&w);
    buf_append_char(out, '\n');
}

bool harmless_device(const char *value, char device[static DEVICE_TEXT_MAX + 1],
                     char lane[static DEVICE_OPTION_MAX + 1])
{
    struct device_option options[] = {{.name = "lane"},   {.name = "baud"},   {.name = "layout"},
                                      {.name = "prefix"}, {.name = "suffix"}, {.name = "columns"},
                                      {.name = "page"},   {.name = "drawer"}, {.name = "green"},
                                      {.name = "red"},    {.name = "beep"},   {.name = "template"}};
    struct fault fault;
    if (device_setting_read(value, device, options, sizeof options / sizeof *options, &fault))
        return false;
    (void)snprintf(lane, DEVICE_OPTION_MAX + 1, "%s", options[0].value);
    return true;
}

#include "agent/print/setting.h"
#include "agent/returns/words.h"

#include <stdio.h>
#include <string.h>

enum { COLUMNS_DEFAULT = 42, BAUD_MIN = 300, BAUD_MAX = 4000000 };
enum { LANE, COLUMNS, PAGE, BAUD, DRAWER, STATUS, OPTION_COUNT };

static const char *const drawer_words[] = {"2", "5", "none", NULL};
static const char *const status_words[] = {"asked", "none", NULL};
enum { DRAWER_FIRST, DRAWER_SECOND, DRAWER_NONE };
enum { STATUS_ASKED, STATUS_NONE };

/* Which of the words it is; `fallback` when it isn't given. */
static enum err take_word(const struct device_option *option, const char *const *words,
                          int fallback, const char *help, int *word, struct fault *fault)
{
    int found = option->value[0] ? word_find(words, option->value) : fallback;
    if (found < 0)
        return fault_set(fault, ERR_INVALID, option->name, "must be %s", help);
    *word = found;
    return ERR_OK;
}

static enum err take_options(const struct device_option *options, struct print_setting *setting,
                             struct fault *fault)
{
    int page = 0;
    int drawer = 0;
    int status = 0;
    if (strlen(options[LANE].value) > PRINT_LANE_MAX)
        return fault_set(fault, ERR_INVALID, "lane", "must have at most %d characters",
                         PRINT_LANE_MAX);
    (void)snprintf(setting->lane, sizeof setting->lane, "%.*s", PRINT_LANE_MAX,
                   options[LANE].value);
    enum err err = take_word(&options[PAGE], code_page_words, CODE_PAGE_858,
                             "cp437, cp850, cp858 or cp1252", &page, fault);
    if (!err)
        err = take_word(&options[DRAWER], drawer_words, DRAWER_FIRST,
                        "2 or 5, its pin on the printer, or none", &drawer, fault);
    if (!err)
        err = take_word(&options[STATUS], status_words, STATUS_ASKED,
                        "asked, or none for a printer that never answers", &status, fault);
    if (!err)
        err = device_option_number(&options[COLUMNS], ESCPOS_COLUMNS_MIN, ESCPOS_COLUMNS_MAX,
                                   COLUMNS_DEFAULT, &setting->paper.columns, fault);
    if (!err)
        err = device_option_number(&options[BAUD], BAUD_MIN, BAUD_MAX, 0, &setting->baud, fault);
    if (err)
        return err;
    setting->paper.page = (enum code_page)page;
    setting->drawer = drawer != DRAWER_NONE;
    setting->drawer_second = drawer == DRAWER_SECOND;
    setting->mute = status == STATUS_NONE;
    return ERR_OK;
}

enum err print_setting_read(const char *value, struct print_setting *setting, struct fault *fault)
{
    struct device_option options[OPTION_COUNT] = {
        [LANE] = {.name = "lane"}, [COLUMNS] = {.name = "columns"}, [PAGE] = {.name = "page"},
        [BAUD] = {.name = "baud"}, [DRAWER] = {.name = "drawer"},   [STATUS] = {.name = "status"}};
    struct print_setting read = {.baud = 0};
    enum err err = device_setting_read(value, read.device, options, OPTION_COUNT, fault);
    if (!err)
        err = take_options(options, &read, fault);
    if (!err)
        *setting = read;
    return err;
}

#include "agent/people/staff.h"
#include "agent/cli/cli.h"
#include "agent/returns/words.h"
#include "hal/base/cleanup.h"
#include "hal/crypto.h"

#include <stdio.h>
#include <string.h>

/* The PIN to set: read from standard input when --pin - says so, else made here, for one use. */
struct chosen_pin {
    char text[128];
    bool one_time;
};

static enum err choose_pin(const struct cli *cli, struct chosen_pin *pin, struct fault *fault)
{
    const char *given = cli_option(cli, "--pin");
    if (!given) {
        pin->one_time = true;
        pin_random(pin->text);
        return ERR_OK;
    }
    if (strcmp(given, "-") != 0)
        return fault_set(fault, ERR_INVALID, "--pin",
                         "must be -, and the PIN a line of standard input: others could read it "
                         "in the list of processes");
    if (!fgets(pin->text, sizeof pin->text, stdin))
        return fault_set(fault, ERR_INVALID, "--pin", "standard input has no line");
    pin->text[strcspn(pin->text, "\r\n")] = '\0';
    pin->one_time = false;
    return pin_check(slice_of(pin->text), fault);
}

static void tell_pin(const struct cli *cli, const char *number, const struct chosen_pin *pin)
{
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 1024);
    struct jsonw w = jsonw_to(&out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "number", number);
    if (pin->one_time)
        jsonw_text(&w, "one_time_pin", pin->text);
    jsonw_end(&w);
    if (cli->json)
        cli_print(&out);
    else if (pin->one_time)
        printf("%s signs in once with PIN %s, and then chooses another.\n", number, pin->text);
    else
        printf("%s signs in with the PIN given.\n", number);
}

static enum cli_exit add(struct cli *cli)
{
    const char *role = cli_option(cli, "--role");
    int found = word_find(role_words, role ? role : role_words[ROLE_ASSOCIATE]);
    struct person_draft draft = {
        .number = cli_option(cli, "--number"),
        .name = cli_option(cli, "--name"),
        .badge = cli_option(cli, "--badge"),
        .language = cli_option(cli, "--language"),
    };
    if (!draft.number || !draft.name)
        return cli_usage("staff add needs --number and --name");
    if (found < 0)
        return cli_usage("--role is associate, manager or technician");
    draft.role = (enum role)found;
    struct fault fault = {0};
    struct chosen_pin pin = {0};
    enum err err = choose_pin(cli, &pin, &fault);
    if (!err)
        err = staff_add(cli->state, &draft, slice_of(pin.text), pin.one_time, &fault);
    if (!err)
        tell_pin(cli, draft.number, &pin);
    crypto_wipe(&pin, sizeof pin);
    return err ? cli_fail(&fault) : CLI_FINE;
}

static void print_person(const struct cli *cli, struct jsonw *w, const struct person *person)
{
    if (!cli->json) {
        printf("%-8s %-10s %s%s%s\n", person->number, role_words[person->role], person->name,
               person->has_badge ? ", badge" : "", person->one_time ? ", one-time PIN" : "");
        return;
    }
    jsonw_object(w, NULL);
    jsonw_text(w, "id", person->id);
    jsonw_text(w, "number", person->number);
    jsonw_text(w, "name", person->name);
    jsonw_text(w, "role", role_words[person->role]);
    jsonw_text(w, "language", person->language);
    jsonw_bool(w, "badge", person->has_badge);
    jsonw_bool(w, "one_time_pin", person->one_time);
    jsonw_end(w);
}

static enum cli_exit list(struct cli *cli)
{
    struct fault fault = {0};
    struct staff *staff;
    if (staff_open(&staff, cli->state, &fault) != ERR_OK)
        return cli_fail(&fault);
    struct buf out CLEANUP(buf_free);
    buf_init(&out, (size_t)256 * 1024);
    struct jsonw w = jsonw_to(&out);
    jsonw_array(&w, NULL);
    for (size_t i = 0; i < staff_count(staff); i++)
        print_person(cli, &w, staff_at(staff, i));
    jsonw_end(&w);
    if (cli->json)
        cli_print(&out);
    staff_close(staff);
    return CLI_FINE;
}

static enum cli_exit forget(struct cli *cli)
{
    struct fault fault = {0};
    if (cli->argc < 2)
        return cli_usage("staff remove needs the NUMBER that `staff list` shows");
    if (staff_remove(cli->state, cli->argv[1], &fault) != ERR_OK)
        return cli_fail(&fault);
    puts(cli->json ? "{\"removed\":true}" : "Removed, and signed out everywhere.");
    return CLI_FINE;
}

static enum cli_exit reset_pin(struct cli *cli)
{
    struct fault fault = {0};
    if (cli->argc < 2)
        return cli_usage("staff reset-pin needs the NUMBER that `staff list` shows");
    struct chosen_pin pin = {0};
    struct pin_verifier verifier;
    enum err err = choose_pin(cli, &pin, &fault);
    if (!err)
        err = pin_verifier_make(slice_of(pin.text), 0, &verifier, &fault);
    if (!err)
        err = staff_set_pin(cli->state, cli->argv[1], &verifier, pin.one_time, &fault);
    if (!err)
        tell_pin(cli, cli->argv[1], &pin);
    crypto_wipe(&pin, sizeof pin);
    return err ? cli_fail(&fault) : CLI_FINE;
}

enum cli_exit cli_staff(struct cli *cli)
{
    if (!cli->state)
        return cli_usage("the staff is kept in the state directory: give --state DIR");
    const char *what = cli->argc ? cli->argv[0] : "";
    if (strcmp(what, "add") == 0)
        return add(cli);
    if (strcmp(what, "list") == 0)
        return list(cli);
    if (strcmp(what, "remove") == 0)
        return forget(cli);
    if (strcmp(what, "reset-pin") == 0)
        return reset_pin(cli);
    return cli_usage("staff: add, list, remove or reset-pin");
}

#include "agent/service/print_round.h"

static void on_tested(void *context, enum err err, const struct fault *fault)
{
    struct print_round *round = context;
    if (!round->done)
        return; /* it took longer than anybody waited */
    if (!err) {
        round->printer++;
        print_round_begin(round);
        return;
    }
    struct print_desk_printer printer = print_desk_printer(round->prints, round->printer);
    finding_set(&round->finding, FINDING_FAIL,
                "Look at its power, paper and cover, and at its cable.", "%s: %s", printer.name,
                fault->text);
    round->done(round->context, &round->finding);
}

void print_round_begin(struct print_round *round)
{
    struct fault fault;
    size_t count = round->prints ? print_desk_printer_count(round->prints) : 0;
    if (count == 0)
        finding_set(&round->finding, FINDING_SKIPPED, "", "no printer is set up");
    else if (round->printer == count)
        finding_set(&round->finding, FINDING_OK, "Read what is on the paper.",
                    "%zu printed a test receipt", count);
    else if (print_desk_test(round->prints, round->printer, on_tested, round, &fault) == ERR_OK)
        return;
    else
        finding_set(&round->finding, FINDING_FAIL, "Ask again when it has printed.", "%s",
                    fault.text);
    round->done(round->context, &round->finding);
}

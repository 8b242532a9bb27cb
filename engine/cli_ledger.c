/* `peal ledger`: the campaign's record of live answers, for whoever may ask for it. Reads only. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "campaign/file.h"
#include "campaign/ledger.h"
#include "cli_ledger.h"

static const char help[] =
    "usage: peal ledger CAMPAIGN.yaml [--csv] [--from DATE] [--to DATE] [--whole-numbers]\n"
    "                   [--redis URL] [--data DIR]\n"
    "\n"
    "Shows how many live answers got no person within the campaign's limit, by day and over the "
    "30\n"
    "days that end with it; or, as CSV, every live answer: when, what became of the callee, how\n"
    "long they waited from the end of their greeting. Entries older than the campaign keeps them\n"
    "(abandonment: keep_days) are shown as their day's sums. Exit code 1 when entries and sums do\n"
    "not agree.\n"
    "\n"
    "  --csv            one live answer a line, to standard output\n"
    "  --from, --to     days of the campaign's zone, as 2026-03-30 (default: all there are)\n"
    "  --whole-numbers  numbers as they were dialled; else their middle is masked\n"
    "  --redis URL      as in peal run\n"
    "  --data DIR       as in peal run (default: ./NAME)\n"
    "\n"
    "examples:\n"
    "  peal ledger spring.yaml --data /var/lib/peal/spring\n"
    "  peal ledger spring.yaml --csv --from 2026-03-01 --to 2026-03-31 > march.csv\n";

static int bad_date(const char *option, const char *text)
{
    fprintf(stderr, "peal ledger: %s: '%s' is no date; accepted: 2026-03-30\n", option, text);
    return EXIT_USAGE;
}

static int show(struct ledger_book *book, const char *path)
{
    char error[CAMPAIGN_ERROR_MAX] = "";
    struct campaign *c;

    if (campaign_load(&c, path, error) != OK) {
        fprintf(stderr, "peal ledger: %s\n", error);
        return EXIT_USAGE;
    }
    book->campaign = c;
    int code = ledger_book_show(book);

    campaign_free(c);
    return code;
}

int cli_ledger(int argc, char **argv)
{
    struct ledger_book book = {.place.command = "ledger", .from = INT32_MIN, .to = INT32_MAX};
    const char *path = NULL, *from = NULL, *to = NULL;
    const struct cli_option options[] = {
        {"--redis", &book.place.redis_url, NULL},
        {"--data", &book.place.data_dir, NULL},
        {"--from", &from, NULL},
        {"--to", &to, NULL},
        {"--csv", NULL, &book.csv},
        {"--whole-numbers", NULL, &book.whole_numbers},
        {0},
    };
    int code = cli_read(&(struct cli_command){"ledger", help, options, "CAMPAIGN.yaml"}, argc, argv,
                        &path);

    if (code != CLI_GO_ON)
        return code;
    if (from && ledger_date_parse(slice_cstr(from), &book.from) != OK)
        return bad_date("--from", from);
    if (to && ledger_date_parse(slice_cstr(to), &book.to) != OK)
        return bad_date("--to", to);
    log_set_level(LOG_ERROR);
    return show(&book, path);
}

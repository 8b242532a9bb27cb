/* `peal check`: reads a campaign and its leads as `peal run` would and says what would be dialled
 * now, what waits, and what never will be, with the reasons. Dials nothing, needs no Redis. */
#include "cli_check.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "call/call.h"
#include "campaign/dates.h"
#include "campaign/leads.h"
#include "campaign/lists.h"
#include "campaign/rules.h"

#define EXAMPLES_MAX 10 /* bad rows and numbers shown; the rest is counted */

static const char help[] =
    "usage: peal check CAMPAIGN.yaml [--leads FILE.csv]\n"
    "\n"
    "Reads the campaign and its leads and says what would be dialled and what not, and why.\n"
    "Dials nothing. Exit code 2 when the campaign cannot run as it is.\n"
    "\n"
    "example:\n"
    "  peal check scenarios/campaigns/demo.yaml --leads leads.csv\n";

struct tally {
    const struct campaign *campaign;
    struct zone_cache *zones;
    uint64_t now_ms, ready, waiting, unknown_zone;
    uint64_t next_ms;
    uint32_t shown;
};

static void show(struct tally *t, uint64_t line, const char *what, struct slice text,
                 const char *why)
{
    if (t->shown++ < EXAMPLES_MAX)
        printf("  line %llu: %s '" SLICE_FMT "' (%s)\n", (unsigned long long)line, what,
               SLICE_ARG(text), why);
}

static enum err on_lead(void *arg, const struct lead *lead)
{
    struct tally *t = arg;
    struct place place;
    uint64_t when = 0;

    if (lead->result == RESULT_MISSING_NUMBER) {
        show(t, lead->line, "no number for", slice_cstr(lead->id), "it will not be dialled");
        return OK;
    }
    if (lead->result != RESULT_NONE) {
        show(t, lead->line, "number", lead->number_text, lead->why ? lead->why : "invalid");
        return OK;
    }
    if (lead->bad_numbers)
        show(t, lead->line, "number", lead->bad_text, lead->why);
    place_read(&place, lead->zone, lead->fields, t->zones);
    t->unknown_zone += lead->zone.len && place.zone_count == 0;
    place_of_number(&place, t->campaign, lead->numbers[0].number, t->zones, t->now_ms);
    if (rules_may_dial(t->campaign, &place, 0, 0, t->now_ms, &when) == RESULT_NONE) {
        t->ready++;
        return OK;
    }
    t->waiting++;
    if (when < t->next_ms)
        t->next_ms = when;
    return OK;
}

static void on_rejected(void *arg, uint64_t line, const char *reason)
{
    struct tally *t = arg;

    if (t->shown++ < EXAMPLES_MAX)
        printf("  line %llu: bad row (%s)\n", (unsigned long long)line, reason);
}

static void say_dates(const struct campaign *c)
{
    char text[96];
    struct clock clock;
    uint64_t now;

    clock_init_real(&clock);
    now = clock_wall_ms(&clock);
    if (campaign_phase_text(c, now, text)[0])
        printf("  it %s: nothing is dialled now\n", text);
    else if (c->ends_wall_ms)
        printf("  it may be dialled now, and ends in %llu days\n",
               (unsigned long long)((c->ends_wall_ms - now) / 86400000));
}

/* SDES keys are as secret as the way they go. */
static void say_trunk(const struct campaign *c, const struct campaign_trunk *t)
{
    static const char *const words[] = {[CALL_SRTP_OFF] = "",
                                        [CALL_SRTP_OFFERED] = ", SRTP offered",
                                        [CALL_SRTP_REQUIRED] = ", SRTP required"};
    uint8_t srtp = t->srtp > c->sip.srtp ? t->srtp : c->sip.srtp;
    const char *over = t->tls ? "TLS" : t->tcp ? "TCP" : "UDP";
    char text[ADDR_TEXT_MAX];

    printf("  trunk %s: %s over %s, at most %u calls%s\n", t->name,
           addr_format(&t->address, text, sizeof(text)), over, t->max_calls, words[srtp]);
    if (srtp != CALL_SRTP_OFF && !t->tls)
        printf("    its keys go in clear over %s: whoever reads the signalling hears the calls\n",
               over);
}

static uint32_t shares_of(const struct campaign *c)
{
    uint32_t sum = campaign_list_find(c, SLICE(CAMPAIGN_LIST_OTHERS)) ? 0 : 1;

    for (uint32_t i = 0; i < c->list_count; i++)
        sum += c->lists[i].share;
    return sum;
}

/* sum: of all lists, and of the leads that are on none. */
static void say_list(const struct campaign_list *l, uint32_t sum)
{
    static const char *const words[] = {[ORDER_ADDED] = "in the order of their adding",
                                        [ORDER_NEWEST] = "the newest first",
                                        [ORDER_RANDOM] = "at random"};

    if (l->share == 0)
        printf("  list %s: not called for the first time as long as its share is 0\n", l->name);
    else
        printf("  list %s: %u of %u first calls while all have leads; of equal priority %s\n",
               l->name, l->share, sum, words[l->order]);
}

/* Of each group that people go to: how many agents are in it, and whose people they are. */
static void say_groups(const struct campaign *c)
{
    uint8_t lanes[CAMPAIGN_LANES_MAX];
    uint32_t n = campaign_lanes(c, lanes), seen = 0;

    for (uint32_t i = 0; i < n && c->groups.count; i++) {
        uint32_t agents = 0;
        bool first = true;

        seen |= 1u << lanes[i];
        for (uint32_t k = 0; k < c->agent_count; k++)
            agents += agent_is_in(c->agents[k].groups, lanes[i]);
        printf("  %s%s (%u agents): ", lanes[i] ? "agents of group " : "any agent",
               agent_group_name(&c->groups, lanes[i]), agents);
        for (uint32_t k = 0; k < c->list_count; k++) {
            if (campaign_group_of_list(c, &c->lists[k]) != lanes[i])
                continue;
            printf("%s%s", first ? "people of list " : ", ", c->lists[k].name);
            first = false;
        }
        if (campaign_group_of_list(c, NULL) == lanes[i] &&
            !campaign_list_find(c, SLICE(CAMPAIGN_LIST_OTHERS)))
            printf("%s", first ? "all other people" : ", and all others");
        printf("%s\n", c->pacing.mode == PACING_AGENTLESS
                           ? ""
                           : "; their calls are made for these agents alone");
    }
    for (uint8_t g = 1; g <= c->groups.count; g++)
        if (!agent_is_in(seen, g))
            printf("  group %s: nobody is dialled for it; `on` or a flow may put people through\n",
                   agent_group_name(&c->groups, g));
}

static void say_campaign(const struct campaign *c)
{
    printf("Campaign %s: %u attempts a lead, ring limit %u s, pacing %s", c->name, c->attempts,
           c->ring_timeout_ms / 1000, pacing_mode_name(c->pacing.mode));
    if (c->pacing.mode == PACING_RATIO)
        printf(" %.2f", c->pacing.ratio);
    printf(", %u agents, zone %s.\n", c->agent_count, zone_name(c->zone));
    if (c->pacing.mode == PACING_RATIO)
        printf("  a ratio is a most: no more calls than free agents can be expected to take, "
               "and one an agent\n"
               "  while more than %g %% are abandoned\n",
               c->abandonment.cap_percent);
    say_dates(c);
    if (c->pacing.concurrent)
        printf("  at most %u calls at once, all engines together\n", c->pacing.concurrent);
    if (c->pacing.calls_per_second > 0)
        printf("  at most %g new calls a second, all engines together\n",
               c->pacing.calls_per_second);
    if (c->pacing.engine_calls_per_second > 0)
        printf("  at most %g new calls a second on each engine\n",
               c->pacing.engine_calls_per_second);
    for (uint32_t i = 0; i < c->trunk_count; i++)
        say_trunk(c, &c->trunks[i]);
    printf("  human: %s%s%s; machine: %s%s\n", treatment_name(c->on[RESULT_HUMAN].kind),
           c->on[RESULT_HUMAN].group ? " " : "",
           agent_group_name(&c->groups, c->on[RESULT_HUMAN].group),
           treatment_name(c->on[RESULT_MACHINE].kind),
           c->on[RESULT_MACHINE].after_beep ? " after the beep" : "");
    say_groups(c);
    for (uint32_t i = 0; i < c->list_count; i++)
        say_list(&c->lists[i], shares_of(c));
    if (c->records.stream[0])
        printf("  each record goes to the Redis stream {%s}:stream:%s, whose latest %u are kept\n",
               c->name, c->records.stream, c->records.keep);
}

static void say_leads(const struct tally *t, const struct leads_stats *s)
{
    char when[32];

    printf("Leads: %llu rows, %llu leads.\n", (unsigned long long)s->rows,
           (unsigned long long)s->leads);
    printf("  %llu would be dialled now\n", (unsigned long long)t->ready);
    if (t->waiting && t->next_ms != WINDOW_NEVER) {
        clock_format_utc(t->next_ms, when, sizeof(when));
        printf("  %llu wait for their calling window (the first opens %s)\n",
               (unsigned long long)t->waiting, when);
    } else if (t->waiting) {
        printf("  %llu can never be dialled: no calling window is ever open\n",
               (unsigned long long)t->waiting);
    }
    printf("  %llu have no number and %llu an invalid one: finished without a call\n",
           (unsigned long long)s->missing_number, (unsigned long long)s->invalid_number);
    if (s->bad_numbers)
        printf("  %llu more numbers are invalid, of leads that have others: those are dialled\n",
               (unsigned long long)s->bad_numbers);
    printf("  %llu bad rows are left out\n", (unsigned long long)s->rejected);
    if (t->unknown_zone)
        printf("  %llu name an unknown time zone: the number tells it, else the campaign\n",
               (unsigned long long)t->unknown_zone);
    if (t->shown > EXAMPLES_MAX)
        printf("  (%u more such lines are not shown)\n", t->shown - EXAMPLES_MAX);
}

static int check_leads(const struct campaign *c, const char *path)
{
    struct tally t = {.campaign = c, .next_ms = WINDOW_NEVER};
    char error[LEADS_REASON_MAX] = "";
    struct clock clock;
    struct leads *leads;
    enum err e;

    clock_init_real(&clock);
    t.now_ms = clock_wall_ms(&clock);
    if (leads_open(&leads, path, c->country, error) != OK) {
        fprintf(stderr, "peal check: %s\n", error);
        return EXIT_USAGE;
    }
    e = zone_cache_open(&t.zones);
    if (e == OK) {
        e = leads_each(leads, on_lead, on_rejected, &t);
        say_leads(&t, leads_stats_of(leads));
        zone_cache_close(t.zones);
    }
    if (e != OK)
        fprintf(stderr, "peal check: %s: reading stopped: %s\n", path, leads_reason(leads));
    leads_close(leads);
    return e == OK ? EXIT_DONE : EXIT_USAGE;
}

/* Those are not read when others are given. */
static void forget_own_files(struct campaign *c)
{
    c->leads[0] = '\0';
    for (uint32_t i = 0; i < c->list_count; i++)
        c->lists[i].file[0] = '\0';
}

int cli_check(int argc, char **argv)
{
    const char *path = NULL, *leads = NULL;
    char error[CAMPAIGN_ERROR_MAX] = "";
    struct campaign *c;
    struct campaign_source sources[CAMPAIGN_SOURCES_MAX];
    const struct cli_option options[] = {{"--leads", &leads, NULL}, {0}};
    int code =
        cli_read(&(struct cli_command){"check", help, options, "CAMPAIGN.yaml"}, argc, argv, &path);

    if (code != CLI_GO_ON)
        return code;
    code = EXIT_DONE;
    if (campaign_load(&c, path, error) != OK) {
        fprintf(stderr, "peal check: %s\n", error);
        return EXIT_USAGE;
    }
    say_campaign(c);
    check_say_rules(c);
    uint32_t count = campaign_sources(c, leads, sources);

    for (uint32_t i = 0; i < count && code == EXIT_DONE; i++) {
        if (sources[i].list)
            printf("\nList %s, %s:\n", sources[i].list->name, sources[i].path);
        code = check_leads(c, sources[i].path);
    }
    if (count == 0)
        puts("No leads are named: give them with --leads FILE.csv.");
    if (leads)
        forget_own_files(c);
    if (campaign_check_files(c, error) != OK) {
        fprintf(stderr, "peal check: %s\n", error);
        code = EXIT_USAGE;
    }
    campaign_free(c);
    return code;
}

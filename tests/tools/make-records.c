/* make-records: a data folder of invented call attempts, by the writer that the engine uses.
 *
 *   make-records DIR COUNT SEED [CAMPAIGN ZONE [FIRST_MS]]
 *
 * One attempt every 20 s from FIRST_MS (default 2026-03-27 23:00 UTC, so that the change of the
 * clocks in spring comes after 26 hours), results of every sort, some texts that are hostile to
 * spreadsheets and terminals. Exit code 1 with a sentence when it could not be written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "dsp/dsp.h"
#include "report/records.h"

#define FIRST_MS UINT64_C(1774652400000)

static const char *const hostile[] = {
    "=HYPERLINK(\"http://x.invalid\",\"call\")", "+1+cmd|' /C calc'!A0", "-2+3",     "@SUM(A1)",
    "a \"quoted\", name; two\r\nlines",          "\x1b[31mred\x1b[0m",   " spaces ", "Grüße ☎"};

static void add(struct call_record *r, uint8_t kind, uint16_t code, uint8_t detail, uint32_t at)
{
    call_record_add(r, &(struct evidence){.kind = kind,
                                          .code = code,
                                          .detail = detail,
                                          .start_ms = at,
                                          .end_ms = at,
                                          .confidence = 0.9f,
                                          .early = at < r->at_ms[MARK_ANSWERED]});
}

static void answered(struct call_record *r, struct rng *g, enum dsp_verdict verdict)
{
    uint32_t answer = 2000 + rng_below(g, 20000);

    r->sip_code = 200;
    r->at_ms[MARK_RINGING] = 500;
    r->at_ms[MARK_ANSWERED] = answer;
    r->at_ms[MARK_FIRST_RTP] = answer + 20;
    r->at_ms[MARK_VERDICT] = answer + 1500;
    r->at_ms[MARK_END] = answer + 3000 + rng_below(g, 600000);
    r->ended_by = ENDED_BY_CALLEE;
    add(r, EVIDENCE_HEARD, DSP_SPEECH_START, 0, answer + 100);
    add(r, EVIDENCE_VERDICT, (uint16_t)verdict, 0, answer + 1500);
    if (verdict != VERDICT_HUMAN)
        return;
    r->at_ms[MARK_CONNECT] = answer + 1500;
    r->at_ms[MARK_AGENT_HEARD] = answer + 1600;
    r->answer_to_agent_ms = 1600;
    r->delivery = DELIVERY_CONNECTED;
    unsigned agent = rng_below(g, 9);
    snprintf(r->agent, sizeof(r->agent), "agent-%u", agent);
    if (agent < 6)
        snprintf(r->group, sizeof(r->group), "%s", agent < 4 ? "sales" : "=english");
}

static void unanswered(struct call_record *r, struct rng *g)
{
    static const uint16_t codes[] = {404, 486, 487, 603, 503, 480};

    r->sip_code = codes[rng_below(g, 6)];
    r->at_ms[MARK_FIRST_1XX] = 80;
    r->at_ms[MARK_END] = 900 + rng_below(g, 25000);
    r->ended_by = ENDED_BY_NETWORK;
    r->cancelled = r->sip_code == 487;
    if (r->cancelled)
        r->at_ms[MARK_RINGING] = 700;
    add(r, EVIDENCE_SIP, r->sip_code, 0, r->at_ms[MARK_END]);
}

static void make(struct call_record *r, struct rng *g, uint32_t i, const char *campaign,
                 uint64_t first_ms)
{
    call_record_init(r);
    snprintf(r->campaign, sizeof(r->campaign), "%s", campaign);
    snprintf(r->lead, sizeof(r->lead), "lead-%u", i / 2);
    if (i % 97 == 0)
        snprintf(r->lead, sizeof(r->lead), "%s %u", hostile[i / 97 % 8], i);
    snprintf(r->number, sizeof(r->number), "+1202555%04u", i / 2 % 10000);
    snprintf(r->call_id, sizeof(r->call_id), "%s-%u@127.0.0.1", campaign, i);
    snprintf(r->trunk, sizeof(r->trunk), "carrier");
    r->attempt = i % 2 + 1;
    r->claimed_wall_ms = first_ms + UINT64_C(20000) * i;
    r->invite_wall_ms = r->claimed_wall_ms + 12;
    switch (rng_below(g, 5)) {
    case 0:
        answered(r, g, VERDICT_HUMAN);
        break;
    case 1:
        answered(r, g, VERDICT_MACHINE);
        break;
    default:
        unanswered(r, g);
    }
    r->result = result_decide(r);
}

static int write_all(const char *folder, uint32_t count, uint64_t seed, const char *campaign,
                     const char *zone, uint64_t first_ms)
{
    char jsonl[400], sqlite[400], error[RECORDS_ERROR_MAX];
    struct records_config config = {
        .jsonl_path = jsonl, .sqlite_path = sqlite, .campaign = campaign, .zone = zone};
    struct call_record *r = malloc(sizeof(*r));
    struct records *records;
    struct rng g;

    snprintf(jsonl, sizeof(jsonl), "%.380s/calls.jsonl", folder);
    snprintf(sqlite, sizeof(sqlite), "%.380s/calls.sqlite", folder);
    mkdir(folder, 0755);
    if (!r || records_open(&records, &config, error) != OK) {
        fprintf(stderr, "make-records: %s\n", r ? error : "no memory");
        free(r);
        return 1;
    }
    rng_seed(&g, seed);
    for (uint32_t i = 0; i < count; i++) {
        make(r, &g, i, campaign, first_ms);
        while (records_put(records, r) != OK)
            usleep(500); /* the writer makes room */
    }
    free(r);
    return records_close(records, NULL) == OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc == 5) {
        fputs("usage: make-records DIR COUNT SEED [CAMPAIGN ZONE [FIRST_MS]]\n", stderr);
        return 2;
    }
    return write_all(argv[1], (uint32_t)strtoul(argv[2], NULL, 10), strtoull(argv[3], NULL, 10),
                     argc > 5 ? argv[4] : "spring", argc > 5 ? argv[5] : "Europe/Berlin",
                     argc > 6 ? strtoull(argv[6], NULL, 10) : FIRST_MS);
}

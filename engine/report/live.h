/* The live view of a running campaign on a terminal: redrawn in place at LIVE_PERIOD_MS, fits the
 * terminal's width, and leaves its last picture behind. Not a terminal: nothing but one plain line
 * every LIVE_PLAIN_MS (or nothing at all when quiet). The dialer fills struct live_view; live_draw
 * costs one write(2). Control thread. */
#ifndef PEAL_REPORT_LIVE_H
#define PEAL_REPORT_LIVE_H

#include "base/hist.h"
#include "call/result.h"

#define LIVE_PERIOD_MS 250
#define LIVE_PLAIN_MS  10000
#define LIVE_BYTES_MAX 16384 /* of one picture */

#define LIVE_GROUPS_MAX 17

/* Agents of a group that people go to, and the calls made for them. */
struct live_group {
    char name[32];
    uint32_t free, talking, wrapping, out; /* an agent of several counts for one of them */
    uint32_t calls, waiting;               /* not decided yet; people who wait */
    char pacing[192];                      /* pacing_advice.reason, and that its leads are none */
    double expected_live, risk_percent;
};

struct live_view {
    char campaign[64];
    uint64_t elapsed_ms;
    uint64_t leads, finished, pending, in_air_leads; /* tasks: all, done, waiting, claimed */
    uint64_t attempts;

    uint32_t dialling, ringing, analysing, waiting, talking, treated; /* calls in the air */
    uint32_t in_air_max;                                              /* 0: no limit */
    uint32_t agents_free, agents_talking, agents_wrapping, agents_out;
    struct live_group group[LIVE_GROUPS_MAX];
    uint32_t groups; /* 0: people go to anybody */
    double calls_per_second;
    char pacing[160]; /* pacing_advice.reason */
    /* Mode predictive, as of the last advice: */
    bool looks_ahead;
    double expected_live;               /* answers of the calls under way */
    double theta_percent, risk_percent; /* allowed, and taken by the last call */

    uint64_t results[RESULT_COUNT];
    uint64_t connected, live, abandoned;
    double abandonment_percent, abandonment_cap_percent;
    const struct hist *answer_to_agent_ms; /* may be NULL */

    uint64_t rtp_lost, records_held, errors;
    char notice[160]; /* "trunk carrier is unreachable; …", "stopping: 3 calls finish" */
};

struct live;

/* fd: usually 2. quiet: nothing is written. A terminal is found by isatty and TERM. */
enum err live_open(struct live **out, int fd, bool quiet);
/* Draws when it is due (by now_ms, any monotonic) or when force is set. */
void live_draw(struct live *l, const struct live_view *v, uint64_t now_ms, bool force);
/* Wipes the picture before other lines are printed; the next draw starts afresh. */
void live_clear(struct live *l);
void live_close(struct live *l);
bool live_is_terminal(const struct live *l);

/* The picture as text, for tests: width in columns; colour: with ANSI. Returns its length. */
size_t live_render(const struct live_view *v, uint32_t width, bool colour, char *dst, size_t cap);

#endif

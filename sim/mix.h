/* Who answers a number: a mix of scenarios by weight, and numbers with a fixed one.
 *
 *   scenarios:
 *     - { scenario: human-short, weight: 20 }
 *     - { scenario: busy, weight: 8, per_attempt: true }
 *   numbers:
 *     - { number: "+1 202 555 0100", scenario: machine-beep }
 *     - { prefix: "+1 303 555", scenario: no-answer }
 *   spells:                       # what a number is in for a while, in percent of all time
 *     - { scenario: busy, share: 10, lasts: 180 }
 *     - { scenario: no-answer, share: 30, lasts: 3600 }
 *   answer_rate:                  # percent of attempts that nothing stands in the way of, over
 * time
 *     - { at: 0, percent: 20 }
 *     - { at: 3600, percent: 45 }
 *   speed: 60                     # a second of the run is a minute of `lasts` and `at`
 *   impair: { loss: 1, burst: 3 } # of every leg; also misbehave: see sim/wrongs.h
 *   agents: { prefix: agent-, scenario: agents/agent }
 *   settings:
 *     - { name: talk_mean, value: 12 }
 *
 * A draw depends on the seed, the number, the count of the attempt at it and the time, never on the
 * order of calls or on what other numbers do. In this order: a fixed number; the spell the number
 * is in at that time (each number has a history of its own, without end: free, then busy for its
 * three minutes, then free again, so that who calls again in a minute finds it busy still, and in
 * an hour does not); an obstacle of this attempt (per_attempt entries, as often as their weights or
 * the answer rate of the moment say); the person behind the number, who is the same for ever.
 * Bounds: MIX_*_MAX. Immutable once loaded. */
#ifndef PEAL_SIM_MIX_H
#define PEAL_SIM_MIX_H

#include "base/slice.h"
#include "flow/flow.h"

#define MIX_SCENARIOS_MAX 256
#define MIX_NUMBERS_MAX   10000
#define MIX_SETTINGS_MAX  32
#define MIX_FILE_MAX      (4 * 1024 * 1024)
#define MIX_ERROR_MAX     512

struct mix;
struct wrongs;

/* error (MIX_ERROR_MAX) gets "file:line: sentence". */
enum err mix_load(struct mix **out, const char *path, char *error);
enum err mix_load_text(struct mix **out, const char *name, struct slice text, char *error);
/* Every one of the scenarios with equal weight, agents at "agent-". */
enum err mix_equal(struct mix **out, const char *const scenarios[], uint32_t count);
void mix_free(struct mix *m);

uint32_t mix_scenario_count(const struct mix *m);
const char *mix_scenario(const struct mix *m, uint32_t i);
double mix_weight(const struct mix *m, uint32_t i); /* 0 for those only numbers or spells name */
bool mix_per_attempt(const struct mix *m, uint32_t i);
const char *mix_agent_prefix(const struct mix *m);
const char *mix_agent_scenario(const struct mix *m);
uint32_t mix_setting_count(const struct mix *m);
void mix_setting(const struct mix *m, uint32_t i, const char **name, const char **value);
/* All of them, borrowed; MIX_SETTINGS_MAX at most. Returns their number. */
uint32_t mix_settings(const struct mix *m, struct flow_field *out);

const struct wrongs *mix_wrongs(const struct mix *m); /* on every leg; sim/wrongs.h */

/* Index of the scenario that answers the attempt-th (1…) call to a number, so many seconds after
 * the beginning of the run. Numbers are compared by their digits (a leading "+" and spaces make no
 * difference); names without digits as they are. */
uint32_t mix_draw(const struct mix *m, uint64_t seed, struct slice number, uint32_t attempt,
                  double at_s);

/* The digits of a number (dst at least 64 bytes), or the text itself where there are none. */
struct slice mix_normalize(struct slice number, char *dst, size_t cap);

#endif

/* Lua's string patterns, matched within a budget of steps.
 *
 * The library's own matcher can run for hours on a short pattern ("a*a*a*…b"); ours does the same
 * matches and counts every step it takes. Pure functions; nothing is allocated. */
#ifndef PEAL_FLOW_PATTERN_H
#define PEAL_FLOW_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_CAPTURES_MAX 32
#define PATTERN_DEPTH_MAX    150
#define PATTERN_POSITION     (-2) /* len of a "()" capture: start says where */

struct pattern_capture {
    const char *start;
    ptrdiff_t len;
};

struct pattern {
    const char *text, *text_end; /* subject */
    const char *end;             /* of the pattern */
    uint64_t steps, steps_max;
    int depth, level;
    struct pattern_capture capture[PATTERN_CAPTURES_MAX];
    const char *error; /* a sentence; pattern_too_long when the steps ran out */
};
extern const char pattern_too_long[];

/* Matches p (without its anchor) at s exactly. Returns the end of the match, or NULL: no match, or
 * p->error is set. Steps go on counting over calls; captures are of the last match. */
const char *pattern_match(struct pattern *m, const char *s, const char *p);

/* Whether the pattern has no magic character, so that plain search does. */
bool pattern_is_plain(const char *p, size_t len);

#endif

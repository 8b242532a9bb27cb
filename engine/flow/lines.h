/* What happened on each line of a script, over all its calls: how often a verb or a check was
 * reached there, how long calls waited there, how many checks and verbs failed there, how many
 * calls were hung up on while they waited. Simulator only; a script with more than LINES_MAX lines
 * counts the rest in its last. Control thread only. */
#ifndef PEAL_FLOW_LINES_H
#define PEAL_FLOW_LINES_H

#include <stdint.h>

#include "flow/flow.h"

#define LINES_MAX 4096

struct flow_line {
    uint64_t reached, failed, hangups;
    uint64_t waited_us;
};

/* Line 1 is at index 0; NULL and 0 where nothing is counted. */
const struct flow_line *flow_script_lines(const struct flow_script *s, uint32_t *count);
/* The script's text, for showing lines; empty when nothing is counted. */
struct slice flow_script_text(const struct flow_script *s);
/* Each script of the runtime, the one loaded last first. */
void flow_each_script(const struct flow_runtime *rt,
                      void (*fn)(void *arg, const struct flow_script *s), void *arg);

#endif

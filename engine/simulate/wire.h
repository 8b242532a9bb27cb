/* The other side of every call of a simulation: callees by their fates, agents by their shifts, on
 * the loop's virtual clock. Control thread only. */
#ifndef PEAL_SIMULATE_WIRE_H
#define PEAL_SIMULATE_WIRE_H

#include "call/line.h"
#include "campaign/file.h"
#include "simulate/people.h"
#include "simulate/staff.h"

struct wire;

struct wire_config {
    struct loop *loop;
    const struct campaign *campaign; /* its agents' URIs, its bounds */
    struct people *people;
    struct staff *staff;
    uint64_t seed;
};

struct wire_stats {
    uint64_t dialled; /* INVITEs to callees that reached the wire */
    uint64_t by_fate[FATE_KINDS];
};

enum err wire_open(struct wire **out, const struct wire_config *config);
void wire_close(struct wire *w); /* after the calls' environment */
const struct call_line *wire_line(const struct wire *w);
uint32_t wire_wrap_up_ms(void *wire, uint32_t agent); /* for struct dialer_model */
const struct wire_stats *wire_stats(const struct wire *w);
/* Agents whose leg is up, and who of them talk. */
void wire_agents(const struct wire *w, uint32_t *talking, uint32_t *there);

#endif

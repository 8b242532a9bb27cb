/* The moments of a call's SIP dialog that metrics are made of, read from its messages (RFC 6076).
 */
#ifndef PEAL_SIM_SIP_TIMES_H
#define PEAL_SIM_SIP_TIMES_H

#include <stdbool.h>
#include <stdint.h>

struct trace_call;

/* Microseconds since the INVITE; 0: it did not happen. */
struct sip_times {
    uint64_t sign_us;         /* first response that tells of the callee: 101 to 199, or the 200 */
    uint64_t final_us;        /* final response */
    uint64_t bye_us;          /* first BYE, of either side */
    uint64_t bye_answered_us; /* its final response */
    bool bye_sent;            /* the BYE was ours */
};

void sip_times_read(struct sip_times *out, const struct trace_call *t); /* t NULL: all 0 */

#endif
